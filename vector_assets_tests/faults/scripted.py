"""A source that a test edits by hand, and that lists its documents as badly as it is told to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.errors import UnavailableError
from vector_assets.sources.items import DocumentFailure, SourceItem
from vector_assets_tests.faults.world import MAX_SECTIONS, START, section
from vector_assets_tests.support.tiny import ListSource, document

NIGHTS = 6
"""Days on which documents are active."""


@dataclass
class Script:
    """Documents at a source, each in its newest version.

    Attributes:
        documents: By id.
        before: Versions that were replaced, which a stale page may still show.
    """

    documents: dict[str, Document] = field(default_factory=dict)
    before: list[Document] = field(default_factory=list)
    _made: int = 0

    def create(self, section_count: int, night: int) -> str:
        self._made += 1
        at = f"{(START + timedelta(days=night)).date()}T10:00"
        new = document(str(self._made), *(self._words() for _ in range(section_count)),
                       updated_at=at)  # fmt: skip
        self.documents[new.id] = new
        return new.id

    def edit(self, document_id: str, place: int, minutes: int) -> None:
        self._change(document_id, minutes, lambda texts: self._replaced(texts, place))

    def grow(self, document_id: str, place: int, minutes: int) -> None:
        def longer(texts: list[str]) -> list[str]:
            return [*texts[:place], self._words(), *texts[place:]][:MAX_SECTIONS]

        self._change(document_id, minutes, longer)

    def shrink(self, document_id: str, left: int, minutes: int) -> None:
        self._change(document_id, minutes, lambda texts: texts[:left])

    def restrict(self, document_id: str, readers: tuple[str, ...]) -> None:
        """Change who may read it, which no vendor counts as activity."""
        self._put(replace(self.documents[document_id], access=readers))

    def move(self, document_id: str, container: str) -> None:
        """Move it to another project, where it has another key and another link."""
        old = self.documents[document_id]
        moved = {"issue_key": f"{container}-{old.native_id}"}
        self._put(
            replace(old, container=container, url=f"https://example.com/{container}", extra=moved)
        )

    def bring_back(self, document_id: str, minutes: int) -> None:
        """Undo the last edit, as a new one."""
        earlier = [old for old in self.before if old.id == document_id]
        if earlier:
            when = self.documents[document_id].updated_at + timedelta(minutes=minutes)
            self._put(replace(earlier[-1], updated_at=when))

    def _change(
        self, document_id: str, minutes: int, change: Callable[[list[str]], list[str]]
    ) -> None:
        old = self.documents[document_id]
        texts = change([part.text for part in old.sections])
        when = old.updated_at + timedelta(minutes=minutes)
        self._put(replace(old, sections=tuple(map(Section, texts)), updated_at=when))

    def _replaced(self, texts: list[str], place: int) -> list[str]:
        at = place % len(texts)
        return [*texts[:at], self._words(), *texts[at + 1 :]]

    def _put(self, new: Document) -> None:
        self.before.append(self.documents[new.id])
        self.documents[new.id] = new

    def _words(self) -> str:
        self._made += 1
        return section(Random(self._made))


class ScriptedSource(ListSource):
    """Lists a script's documents of a window, and once as badly as it is told to.

    Attributes:
        twist: `reordered`, `repeated`, `stale`, `breaks off`, `document fails`; "" for well.
    """

    def __init__(self, script: Script, name: str) -> None:
        super().__init__([])
        self.name = name
        self.script = script
        self.twist = ""

    def documents(self, window: Window) -> Iterator[SourceItem]:
        twist, self.twist = self.twist, ""
        shown = [doc for doc in self.script.documents.values() if doc.updated_at in window]
        if twist == "reordered":
            shown.reverse()
        if twist == "repeated":
            shown += shown[:3]
        if twist == "stale":
            newest = {doc.id: doc.updated_at for doc in shown}
            yield from [
                old for old in self.script.before if old.updated_at < newest.get(old.id, _NEVER)
            ]
        for place, doc in enumerate(shown):
            if twist == "breaks off" and place == len(shown) // 2:
                raise UnavailableError("jira", "HTTP 503")
            if twist == "document fails" and place == len(shown) // 2:
                yield DocumentFailure(doc.id, "HTTP 500", doc.day)
            else:
                yield doc


_NEVER = datetime.min.replace(tzinfo=START.tzinfo)
