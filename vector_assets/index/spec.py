"""The spec of an index: model, dimensions, chunker and layout. One index has one spec."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, Self

from vector_assets.embedding import chunking
from vector_assets.embedding.base import Embedder
from vector_assets.stores import records


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """Everything beside the documents that decides what an index holds.

    `chunker` and `layout` are versions of the code that cuts documents and lays out metadata.
    """

    provider: str
    model: str
    dimensions: int
    chunk_tokens: int
    chunker: int
    layout: int

    @classmethod
    def of(cls, embedder: Embedder) -> Self:
        """Return the spec of an index that an embedder and the code that runs make."""
        return cls(
            embedder.provider,
            embedder.model,
            embedder.dimensions,
            embedder.chunk_tokens,
            chunking.CHUNKER_VERSION,
            records.LAYOUT_VERSION,
        )

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return what `as_json` gave."""
        return cls(
            str(plain["provider"]),
            str(plain["model"]),
            *(int(plain[name]) for name in ("dimensions", "chunk_tokens", "chunker", "layout")),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @property
    def vector_spec(self) -> str:
        """What decides a vector beside its text, as one string; part of every fingerprint."""
        identity = f"{self.provider}/{self.model}/{self.dimensions}"
        return f"{identity}|chunker {self.chunker}|{self.chunk_tokens} tokens"

    @property
    def name(self) -> str:
        """A short name, the same for the same spec; valid in names of folders and indexes."""
        text = f"{self.vector_spec}|layout {self.layout}"
        return blake2b(text.encode(), digest_size=4).hexdigest()

    def __str__(self) -> str:
        return (
            f"{self.provider}/{self.model}, {self.dimensions} dimensions, "
            f"chunker {self.chunker}, layout {self.layout}"
        )

    def is_cut_like(self, other: "IndexSpec") -> bool:
        """Tell whether the same document is cut and laid out alike, so that texts can be kept.

        A provider has one tokenizer for all of its models.
        """
        return replace(self, model=other.model, dimensions=other.dimensions) == other

    @property
    def is_of_this_code(self) -> bool:
        """Whether the code that runs can still cut and lay out documents in this way."""
        return (self.chunker, self.layout) == (chunking.CHUNKER_VERSION, records.LAYOUT_VERSION)

    def differences(self, wanted: "IndexSpec") -> str:
        """Return in words what a wanted spec changes, such as `dimensions 384, now 1536`."""
        mine, theirs = self.as_json(), wanted.as_json()
        if (self.provider, self.model) != (wanted.provider, wanted.model):
            mine["model"], theirs["model"] = (
                f"{spec.provider}/{spec.model}" for spec in (self, wanted)
            )
        words = {"chunk_tokens": "tokens a chunk"}
        return "; ".join(
            f"{words.get(name, name)} {mine[name]}, now {theirs[name]}"
            for name in ("model", "dimensions", "chunk_tokens", "chunker", "layout")
            if mine[name] != theirs[name]
        )
