"""The sync: extract, redact, plan, embed, load, confirm.

Keep out: Dagster, and what is done to an index beside the sync (`maintenance/`).
"""
