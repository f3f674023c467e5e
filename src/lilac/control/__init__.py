"""What the control plane does: submitting, scheduling, leases of nodes, logs, accounts.

`platform.Platform` is the composition root; every other module is one service that it wires up.
"""
