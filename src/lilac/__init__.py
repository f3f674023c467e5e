"""Lilac: control plane, scheduler, node agent and command line of one platform for machine-learning work."""

__version__ = "0.1.0"
