"""Measures what the platform promises, with real processes, beside its peers: `make bench`, results in RESULTS.md."""
