"""A model on this machine.

Keep out: other providers.
"""
