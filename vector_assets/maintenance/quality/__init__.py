"""The nightly examination: questions whose answer is known, asked of the real search and compared.

Keep out: how a question is answered (`index/search.py`).
"""
