"""Dagster's webserver behind a guard that keeps other web pages from driving it.

Keep out: what the UI shows; it is Dagster's own.
"""
