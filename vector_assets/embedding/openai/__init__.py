"""OpenAI's embeddings, or those of any compatible server.

Keep out: other providers.
"""
