"""Delete from the index what was deleted at its source.

Keep out: changes of documents that still exist.
"""
