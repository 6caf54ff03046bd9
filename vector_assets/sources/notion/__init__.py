"""Notion: pages and rows of databases as documents.

Keep out: other vendors, embedding, stores.
"""
