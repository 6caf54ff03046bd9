"""Finds secrets in texts and replaces them before anything is embedded or stored.

Keep out: what happens to a document otherwise.
"""
