"""Dagster, and only Dagster: assets, partitions, IO managers, jobs. Thin: it calls `pipeline`.

Keep out: anything that would still be true without Dagster.
"""
