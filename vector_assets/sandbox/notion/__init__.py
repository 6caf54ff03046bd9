"""Notion on localhost.

Keep out: other vendors.
"""
