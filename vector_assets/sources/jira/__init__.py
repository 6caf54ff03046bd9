"""Jira Cloud: issues with their comments as documents.

Keep out: other vendors, embedding, stores.
"""
