"""Compares the index with the sources, names defects, and repairs them.

Keep out: alerts.
"""
