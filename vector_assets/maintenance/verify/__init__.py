"""Compare the index with its sources, report defects, and repair them.

Keep out: alerts.
"""
