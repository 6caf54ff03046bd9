"""Pinecone on localhost, both of its APIs.

Keep out: other vendors.
"""
