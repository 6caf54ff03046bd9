"""OpenAI's embeddings on localhost: its limits and wire format, and vectors of hashed words.

The vectors are deterministic and of unit length. Texts that share words or beginnings of words have
near vectors, so that a search works.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.core.cl100k import token_counter

MAX_INPUTS = 2048
MAX_REQUEST_TOKENS = 300_000
MAX_INPUT_TOKENS = 8192

DIMENSIONS_BY_MODEL = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}

_KEY = "Bearer sk-sandbox"
_WORD = re.compile(r"\w+")
_PLACES_PER_FEATURE = 4


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [Route("/embeddings", _embeddings, methods=["POST"])]


async def _embeddings(request: Request) -> Response:
    if request.headers.get("authorization") != _KEY:
        return _refused(401, "Incorrect API key provided.", "invalid_api_key")
    body = json.loads(await request.body())
    # Counting and hashing a full request takes a second; other vendors answer meanwhile.
    return await run_in_threadpool(_answer, body)


def _answer(body: Any) -> Response:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    model = body["model"]
    default_dimensions = DIMENSIONS_BY_MODEL.get(model)
    if default_dimensions is None:
        return _refused(404, f"The model `{model}` does not exist.", "model_not_found")
    if not all(isinstance(text, str) for text in texts):
        return _refused(400, "'$.input' is invalid: the sandbox reads no token ids.", None)
    counts = [token_counter()(text) for text in texts]
    dimensions = body.get("dimensions")
    if complaint := _complaint(texts, counts, model, dimensions):
        return _refused(400, complaint, None)
    as_base64 = body.get("encoding_format") == "base64"
    embeddings = (
        base64.b64encode(vector.tobytes()).decode() if as_base64 else vector.tolist()
        for vector in embed(texts, dimensions or default_dimensions)
    )
    data = [
        {"object": "embedding", "index": index, "embedding": embedding}
        for index, embedding in enumerate(embeddings)
    ]
    usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
    return JSONResponse({"object": "list", "model": model, "data": data, "usage": usage})


def embed(texts: Sequence[str], dimensions: int) -> NDArray[np.float32]:
    """Return unit vectors of shape `(texts, dimensions)`."""
    vectors = np.zeros((len(texts), dimensions), np.float32)
    for row, text in zip(vectors, texts, strict=True):
        spread = [_spread(feature) for feature in _features(text)]
        places = np.concatenate([places for places, _ in spread])
        signs = np.concatenate([signs for _, signs in spread])
        row += np.bincount(places % dimensions, signs, dimensions)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def _features(text: str) -> list[str]:
    """Return the words of a text, and the first 5 letters of long words, to match inflections."""
    words = _WORD.findall(text.lower())
    return words + [word[:5] + "*" for word in words if len(word) > 5] or ["\0"]


@lru_cache(maxsize=200_000)
def _spread(feature: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the positions of a feature in the vector and the sign it adds in each."""
    digest = hashlib.blake2b(feature.encode(), digest_size=4 * _PLACES_PER_FEATURE).digest()
    numbers = np.frombuffer(digest, np.uint32).astype(np.int64)
    return numbers >> 1, np.where(numbers & 1, 1.0, -1.0).astype(np.float32)


def _complaint(
    texts: Sequence[str], counts: Sequence[int], model: str, dimensions: int | None
) -> str | None:
    """Return the vendor's message for inputs or dimensions that it refuses; None for good ones."""
    if not texts or len(texts) > MAX_INPUTS:
        return f"'$.input' is invalid: array of 1 to {MAX_INPUTS} items, got {len(texts)}."
    if any(not text for text in texts):
        return "'$.input' is invalid: input cannot be an empty string."
    if max(counts) > MAX_INPUT_TOKENS:
        allowed = f"This model's maximum context length is {MAX_INPUT_TOKENS} tokens"
        return f"{allowed}, however you requested {max(counts)} tokens."
    if sum(counts) > MAX_REQUEST_TOKENS:
        return f"Requested {sum(counts)} tokens, max {MAX_REQUEST_TOKENS} tokens per request"
    most = DIMENSIONS_BY_MODEL[model]
    if dimensions is not None and model == "text-embedding-ada-002":
        return "This model does not support specifying dimensions."
    if dimensions is not None and not 1 <= dimensions <= most:
        return f"Invalid value for 'dimensions' = {dimensions}. Must be at most {most}."
    return None


def _refused(status: int, message: str, code: str | None) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status_code=status)
