"""The tests.

A process that a test starts imports its test's module, which may import LanceDB before any module
of the package does: without this line its namespace client takes a second of a core each time.
"""

from vector_assets.stores.lancedb.namespace_client import put_off_namespace_client

put_off_namespace_client()
