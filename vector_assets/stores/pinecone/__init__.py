"""Pinecone, through the API that its index is on.

Keep out: other stores.
"""
