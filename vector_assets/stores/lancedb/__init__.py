"""LanceDB: a table for each namespace, in a folder or an object store.

Keep out: other stores.
"""

from vector_assets.stores.lancedb.namespace_client import put_off_namespace_client

# Before any module of this package imports LanceDB.
put_off_namespace_client()
