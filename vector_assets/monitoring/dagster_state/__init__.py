"""The state of Dagster as seen from here, and the names under which it is kept.

Keep out: verdicts about it.
"""
