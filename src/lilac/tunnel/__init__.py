"""What travels through a tunnel between a person's terminal and a replica: frames, and the windows that bound them.

Client, control plane and agent share this; it imports nothing else of the platform but the model.
"""
