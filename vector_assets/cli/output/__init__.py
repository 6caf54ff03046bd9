"""What the commands print.

Keep out: asking the index or a source for what is printed.
"""
