"""HTTP: routes, keys, metrics and response models.

Keep out: search and freshness themselves.
"""
