"""Deletes from the index what is gone at its source.

Keep out: changes of documents that are still there.
"""
