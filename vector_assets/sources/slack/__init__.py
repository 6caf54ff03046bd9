"""Slack: threads, and a channel's unthreaded messages of a day, as documents.

Keep out: other vendors, embedding, stores.
"""
