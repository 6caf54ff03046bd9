"""Fireflies: meetings as documents.

Keep out: other vendors, embedding, stores.
"""
