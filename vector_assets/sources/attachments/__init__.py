"""What is in files: downloads bounded in size, texts extracted in a process of their own.

Keep out: what only one vendor documents.
"""
