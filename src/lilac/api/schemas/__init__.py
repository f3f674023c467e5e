"""Shapes of requests and replies, by noun. Requests are checked with these; replies are described by them.

Unknown fields of requests are ignored, as the original does. Numbers and booleans are strict: `"5"` is not 5.
"""
