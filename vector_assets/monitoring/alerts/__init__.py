"""Incidents, and who is told of them by which channel.

Keep out: what counts as a problem.
"""
