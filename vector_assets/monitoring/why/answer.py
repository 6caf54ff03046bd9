"""What `why` answers: one cause, in words, with what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from vector_assets.index.question.parsed import PARSE_ALL, ParseOptions
from vector_assets.stores.base import Filter


class Cause(StrEnum):
    """Where a document is lost, in the order of its way; the last two accuse nobody."""

    UNKNOWN_LINK = "unknown-link"
    NO_SUCH_WORDS = "no-such-words"
    SOURCE_OFF = "source-off"
    VENDOR_SILENT = "vendor-does-not-answer"
    NOT_AT_VENDOR = "not-at-vendor"
    LEFT_OUT = "left-out"
    NOT_YET_READ = "not-yet-read"
    TOO_OLD = "too-old"
    DAY_MISSING = "day-missing"
    QUARANTINED = "quarantined"
    NOT_READY = "not-ready"
    EMPTY = "empty"
    OTHER_GENERATION = "other-generation"
    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_WHOLE = "not-whole"
    RESTRICTED = "restricted"
    FILTERED = "filtered"
    BELOW_LIMIT = "below-limit"
    NOT_A_CANDIDATE = "not-a-candidate"
    IN_ANSWER = "in-answer"
    FOUND = "can-be-found"


@dataclass(frozen=True, slots=True)
class Ranks:
    """In which places a question puts a document, from 1; None below all candidates.

    Attributes:
        by_words: Among the documents of the best passages by BM25.
        by_meaning: Among the documents of the nearest passages.
        fused: In the answer, if it had no limit.
        limit: How many documents the answer has at most.
    """

    by_words: int | None
    by_meaning: int | None
    fused: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a document is lost, or that it is not.

    Attributes:
        sentence: What is so; quotes no document.
        advice: What to do; empty when there is nothing to do.
    """

    cause: Cause
    sentence: str
    advice: str = ""
    ranks: Ranks | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer.

    Attributes:
        asked: As it was typed.
        cause: Where it is lost.
        sentence: What is so; quotes no document.
        advice: What to do; empty when there is nothing to do.
        document_id: Of the document that was meant; empty when none is known to who asks.
        title: Of the document in the index; empty when it is not there.
        link: To the document.
        ranks: Where the question puts it; None without a question.
        notes: What is worth knowing besides, such as that it was deleted at its source.
    """

    asked: str
    cause: Cause
    sentence: str
    advice: str = ""
    document_id: str = ""
    title: str = ""
    link: str = ""
    ranks: Ranks | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> Mapping[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, and by whom.

    Attributes:
        text: A link, an id, a key, or words of the document.
        question: That should have found it; empty for none.
        sources: That the question was narrowed to; empty for all.
        where: Who asks, and what else the question was narrowed to.
        limit: How many documents the answer had at most.
        is_operator: Whether who asks may know everything; a viewer never is.
        parse_options: What the question may say about itself.
    """

    text: str
    question: str = ""
    sources: tuple[str, ...] = ()
    where: Filter = field(default_factory=Filter)
    limit: int = 10
    is_operator: bool = False
    parse_options: ParseOptions = PARSE_ALL
