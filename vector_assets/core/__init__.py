"""Words and tools without an opinion: documents, days, errors, settings, credentials.

Keep out: anything that only one package above needs.
"""
