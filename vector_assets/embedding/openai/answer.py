"""Reads the answer of an embeddings endpoint, of OpenAI or of a server that speaks its API."""

import base64
import json
import math
from typing import Any

import msgspec
import numpy as np

from vector_assets.core.vectors import Vectors


class Item(msgspec.Struct):
    """A vector: base64 as requested, or the plain list that some servers answer instead.

    Attributes:
        index: Of its text; None where a server leaves it out and keeps the order of the texts.
    """

    embedding: bytes | list[float]
    index: int | None = None


class Body(msgspec.Struct):
    """The parts of an answer that we read; the SDK does not check them."""

    data: list[Item]
    usage: Any = None


_decoder = msgspec.json.Decoder(Body)


def decoded(content: bytes) -> Body:
    """Return an answer, also one with NaN, null or texts in place of numbers.

    Raises:
        msgspec.DecodeError: It is something else.
    """
    try:
        return _decoder.decode(content)
    except msgspec.DecodeError as error:
        try:
            body = json.loads(content)
            return Body([_item(plain) for plain in body["data"]], body.get("usage"))
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
            raise error from None


def _item(plain: dict[str, Any]) -> Item:
    index, numbers = plain.get("index"), plain["embedding"]
    embedding: bytes | list[float]
    if isinstance(numbers, str):
        embedding = base64.b64decode(numbers, validate=True)
    else:
        # JSON has no NaN, so some servers write null for one.
        embedding = [math.nan if number is None else float(number) for number in numbers]
    return Item(embedding, None if index is None else int(index))


def vector_of(embedding: bytes | list[float]) -> Vectors:
    """Return the numbers of a vector.

    Raises:
        ValueError: They are no numbers of 4 bytes.
    """
    if isinstance(embedding, bytes):
        return np.frombuffer(embedding, "<f4")
    return np.asarray(embedding, np.float32)
