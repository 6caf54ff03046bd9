"""Dagster, and only Dagster: assets, partitions, IO managers, jobs. Thin: it calls `sync.py`.

Keep out: anything that would still be true without Dagster.
"""
