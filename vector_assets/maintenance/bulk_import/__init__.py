"""A first load by Pinecone's import from object storage.

Keep out: the sync.
"""
