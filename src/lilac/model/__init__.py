"""What things are: ids, resources, jobs, nodes, queues, states, events, errors.

Pure: frozen dataclasses and plain functions; no clock, no randomness, no I/O. Everything else stands on this.
"""
