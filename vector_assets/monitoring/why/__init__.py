"""Why a document is not found: the first place on its way from source to answer where it is lost.

Keep out: what is printed, and who may ask over HTTP; that belongs to `cli` and `api`.
"""
