"""Pinecone, through the API to which its index belongs.

Keep out: other stores.
"""
