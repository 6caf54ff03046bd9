"""The page for people: routes, sessions, templates and the files that they load.

Keep out: who may read what, and searching itself, which all routes share (`api/reading.py`).
"""
