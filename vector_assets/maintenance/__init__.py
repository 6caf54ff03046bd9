"""What is done to an index beside the nightly sync.

Keep out: Dagster, and the command line.
"""
