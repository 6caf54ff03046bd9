"""An index of public and restricted documents of every source, and who asks for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.read_keys import ANY_VIEWER, PUBLIC_ONLY, VIEWER
from vector_assets.core.settings import Settings
from vector_assets.index.targets import IndexOpener
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import DocumentFailure, SourceItem
from vector_assets_tests.api.agents.desk import BoundKey, Desk, with_keys
from vector_assets_tests.support.tiny import ListSource, document

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
STAFF = "staff"
DAYS = Days(date(2026, 3, 1), date(2026, 3, 3))
READERS: dict[str, tuple[str, ...]] = {
    "open": ("public",),
    "ann": ("restricted", ANN),
    "staff": ("restricted", STAFF),
    "nobody": ("restricted",),
}
"""Who may read the documents of each kind; each source has one of each."""

HIDDEN = tuple(kind for kind in READERS if kind != "open")
_IDS = {
    "jira": "9007{n}",
    "slack": "C0QUUX{n}99:177252840{n}.000100",
    "notion": "1f2e3d4c-5b6a-4789-8abc-0123456789a{n}",
    "fireflies": "01QUUXMEETING000000000000{n}",
    "files": "quux/plan-{n}.md",
}
_LINKS = {
    "jira": "https://acme.atlassian.net/browse/{key}",
    "slack": "https://acme.slack.com/archives/C0QUUX{n}99/p177252840{n}000100",
    "notion": "https://www.notion.so/acme/Quux-1f2e3d4c5b6a47898abc0123456789a{n}",
    "fireflies": "https://app.fireflies.ai/view/quux::01QUUXMEETING000000000000{n}",
    "files": "quux/plan-{n}.md",
}
_KEY = "ZQX{n}-{n}07"
SOURCES = tuple(_IDS)


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document of a source and kind.

    Attributes:
        marks: Words that stand in this document alone: of its title, text, author and container.
        names: By which it can be asked for: id, key, link, words in quotation marks.
        twins: Names of the same form in the same order, which no document has.
    """

    source: str
    kind: str

    @property
    def _number(self) -> int:
        return list(READERS).index(self.kind) + 1

    @property
    def id(self) -> str:
        return self.names[0]

    @property
    def key(self) -> str:
        return _KEY.format(n=self._number)

    @property
    def link(self) -> str:
        return self.names[-2]

    @property
    def marks(self) -> tuple[str, ...]:
        parts = ("title", "text", "author", "place")
        return tuple(f"zq{self.source}{self.kind}{part}" for part in parts)

    @property
    def names(self) -> tuple[str, ...]:
        return self._named(self._number, self.marks[1])

    @property
    def twins(self) -> tuple[str, ...]:
        return self._named(len(READERS) + 4, self.marks[1].replace("zq", "xq"))

    def _named(self, number: int, word: str) -> tuple[str, ...]:
        key = _KEY.format(n=number)
        native_id = _IDS[self.source].format(n=number)
        link = _LINKS[self.source].format(n=number, key=key)
        keys = (key,) if self.source == "jira" else ()
        return (f"{self.source}:{native_id}", *keys, link, f'"{word} manifest"')

    def as_document(self) -> Document:
        """Return it as its source would yield it."""
        title, text, author, place = self.marks
        container = place.upper() if self.source == "jira" else f"#{place}"
        return document(
            self.id.partition(":")[2],
            f"The crane report of the harbour, with the {text} manifest.",
            f"{author}, 2026-03-02: the crane report of {text}.",
            source=self.source,
            title=f"Crane report {title}",
            url=self.link,
            container=container.removeprefix("#") if self.source == "slack" else container,
            authors=(f"Zora {author}",),
            access=READERS[self.kind],
            extra={"issue_key": self.key} if self.source == "jira" else {},
            # The newest activity of a source is told to everybody: it is that of a public document.
            updated_at="2026-03-03T10:00" if self.kind == "open" else "2026-03-02T10:00",
        )


DOCUMENTS = tuple(ListedDocument(source, kind) for source in SOURCES for kind in READERS)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks.

    Attributes:
        key: Name of the reading key.
        viewer: Named with the key, or by a command or program; empty for none.
        kinds: Of the documents that they may read.
    """

    key: str
    viewer: str
    kinds: frozenset[str]

    @property
    def person(self) -> str:
        """The person as whom a command or a program reads."""
        return {"ann": ANN, "bob": BOB, "staff": EVE}.get(self.key, self.viewer)

    @property
    def has_groups(self) -> bool:
        return self.key == "staff"

    def may_read(self, listed: ListedDocument) -> bool:
        return listed.kind in self.kinds


_PUBLIC = frozenset({"open"})
CALLERS = {
    "nobody": Caller("public", "", _PUBLIC),
    "in the channel": Caller("ann", "", _PUBLIC | {"ann"}),
    "outside the channel": Caller("bob", "", _PUBLIC),
    "in the group": Caller("staff", "", _PUBLIC | {"staff"}),
    "backend for nobody": Caller("backend", "", _PUBLIC),
    "backend for one in the channel": Caller("backend", ANN, _PUBLIC | {"ann"}),
    "backend for one outside": Caller("backend", BOB, _PUBLIC),
    "old key for nobody": Caller("shared", "", _PUBLIC),
    "old key for one in the channel": Caller("shared", ANN, _PUBLIC | {"ann"}),
    "old key for one outside": Caller("shared", BOB, _PUBLIC),
}


def filled(sandbox: Sandbox, folder: Path) -> Desk:
    """Return a desk with keys of each kind, and an index of the public documents alone."""
    keys: list[BoundKey] = [
        ("ann", VIEWER, {"viewer": ANN}),
        ("bob", VIEWER, {"viewer": BOB}),
        ("staff", VIEWER, {"viewer": EVE, "groups": [STAFF]}),
        ("backend", ANY_VIEWER, {}),
        ("public", PUBLIC_ONLY, {}),
    ]
    desk = with_keys(
        sandbox,
        folder,
        keys,
        VECTOR_ASSETS_SOURCES=",".join(SOURCES),
        SESSION_SECRET="signing-secret-of-the-tests-0123456789",
        WATCH_SECONDS="5",
    )
    write(desk.settings, [listed for listed in DOCUMENTS if listed.kind == "open"])
    return desk


def write(settings: Settings, documents: Iterable[ListedDocument]) -> None:
    """Write documents into the index, as runs of their sources do; one that is hidden fails."""
    documents = list(documents)
    failures = [each for each in documents if each.kind == "nobody"]
    opener = IndexOpener(settings)
    for source in SOURCES:
        items: list[SourceItem | Exception] = [
            each.as_document() for each in documents if each.source == source
        ]
        items += [
            DocumentFailure(f"{each.id}9", f"{each.marks[0]} is too long", DAYS.first)
            for each in failures
            if each.source == source
        ]
        lister = ListSource(items)
        lister.name = source  # type: ignore[misc]  # one class for all names
        meter = Meter()
        Pipeline(source=lister, target=opener.target(meter), meter=meter).run(DAYS)
