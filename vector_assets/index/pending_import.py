"""That an index is being filled by an import, kept in its ledger until the import is finished."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from vector_assets.index.ledger import Ledger

KIND = "import"
_KEY = "first load"


@dataclass(frozen=True, slots=True)
class Staged:
    """What of a namespace was staged.

    Attributes:
        count: Records.
        sum: Of their ids and fingerprints (`comparing.summed`).
        is_taken: Whether all of them were seen in the index.
    """

    count: int
    sum: int
    is_taken: bool = False


NOTHING_STAGED = Staged(0, 0)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An import that was begun and is not served yet.

    Attributes:
        source: URI of the LanceDB that it comes from.
        staging: URI that the files were asked to lie under.
        uri: Of the folder below it that holds the files of this import and of no other.
        begun_at: As text.
        staged: What was staged, by namespace; empty until all is.
    """

    source: str
    staging: str
    uri: str
    begun_at: str
    staged: Mapping[str, Staged] = field(default_factory=dict)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return what `asdict` gave."""
        staged = {name: Staged(**one) for name, one in plain["staged"].items()}
        return cls(**{**plain, "staged": staged})

    @property
    def count(self) -> int:
        """Records that were staged, in all namespaces."""
        return sum(one.count for one in self.staged.values())

    def with_taken(self, namespace: str) -> Self:
        """Return it with a namespace of which all was seen in the index."""
        taken = replace(self.staged.get(namespace, NOTHING_STAGED), is_taken=True)
        return replace(self, staged={**self.staged, namespace: taken})


def unfinished(ledger: Ledger) -> Unfinished | None:
    """Return the import that fills an index, or None."""
    entry = ledger.entries(KIND).get(_KEY)
    return Unfinished.from_json(entry) if entry else None


def note(ledger: Ledger, one: Unfinished) -> None:
    """Record how far an import is, so that the same command knows it again.

    Raises:
        VectorAssetsError: As the index raises.
    """
    ledger.put(KIND, {_KEY: asdict(one)})


def forget(ledger: Ledger) -> None:
    """Say that no import is under way."""
    ledger.remove(KIND, [_KEY])
