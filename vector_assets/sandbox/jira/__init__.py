"""Jira Cloud on localhost.

Keep out: other vendors.
"""
