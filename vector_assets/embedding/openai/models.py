"""OpenAI's models: names, dimensions, prices. Imports nothing, so that anyone may ask."""

DEFAULT_MODEL = "text-embedding-3-small"

DIMENSIONS_BY_MODEL = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Default dimensions of the models (platform.openai.com/docs/guides/embeddings, 2026-11)."""

DOLLARS_PER_MILLION_TOKENS = {
    "text-embedding-3-small": 0.02,
    "text-embedding-3-large": 0.13,
    "text-embedding-ada-002": 0.10,
}
"""List prices (platform.openai.com/docs/pricing, 2026-11); unknown models count as free."""

CHUNK_TOKENS = 512
