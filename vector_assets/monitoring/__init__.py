"""Freshness, liveness, incidents, alerts and the watcher.

Keep out: anything that changes the index.
"""
