"""The index as a whole: its spec, which generation is live, its ledger, and search.

Keep out: how a document gets into it (`pipeline/`).
"""
