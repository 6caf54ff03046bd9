"""HTTP: routes, keys, metrics, and what the routes answer.

Keep out: search and freshness themselves.
"""
