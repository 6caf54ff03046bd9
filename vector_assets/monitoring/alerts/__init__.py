"""Incidents, and the alerts that are sent about them.

Keep out: what counts as a problem.
"""
