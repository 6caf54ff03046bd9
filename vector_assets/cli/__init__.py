"""The command line, a command a file.

Keep out: anything that another face needs too.
"""
