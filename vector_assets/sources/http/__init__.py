"""Retries and the rate limiter that the sources share.

Keep out: what only one vendor documents.
"""
