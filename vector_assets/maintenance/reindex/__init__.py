"""Builds an index of another spec beside the live one, and switches over.

Keep out: the sync.
"""
