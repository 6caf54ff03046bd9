"""Dagster's assets, partitions, IO managers, checks, jobs, schedules and sensors.

Keep out: anything that does not need Dagster; it belongs in `pipeline` or `monitoring`.
"""
