"""A folder of Markdown files as documents.

Keep out: other sources, embedding, stores.
"""
