"""The commands of the command line, one per file.

Keep out: anything that HTTP or Dagster needs too.
"""
