"""LanceDB: a table for each namespace, in a folder or an object store.

Keep out: other stores.
"""
