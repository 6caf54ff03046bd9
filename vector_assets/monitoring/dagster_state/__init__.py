"""Reads Dagster's state, and names its assets, jobs, schedules, checks and metadata.

Keep out: judging the state.
"""
