"""What the index holds as it comes is not redacted again, and nothing is stored unredacted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.pipeline import plan as module
from vector_assets.pipeline.redaction.redact import has_marks, redact_document
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

NOW = utc("2026-03-10T06:00")
WEEK = Days(date(2026, 3, 1), date(2026, 3, 7))
EMBEDDER = TinyEmbedder(16, chunk_tokens=40)


class Rules:
    """Redaction whose rules can change: from the second on, each also finds a word of its own.

    Attributes:
        looked_through: The ids of the documents that were redacted, in order.
    """

    def __init__(self) -> None:
        self.number = 1
        self.looked_through: list[str] = []

    def version(self) -> str:
        return f"rules{self.number}"

    def redact(self, document: Document) -> tuple[Document, int]:
        self.looked_through.append(document.id)
        clean, count = redact_document(document)
        for number in range(2, self.number + 1):
            word = f"zebra{number}"
            count += sum(section.text.count(word) for section in clean.sections)
            sections = [
                replace(section, text=section.text.replace(word, "[redacted: zebra]"))
                for section in clean.sections
            ]
            clean = replace(clean, sections=tuple(sections))
        return clean, count

    def taken(self) -> list[str]:
        """Return what was looked through since the last call."""
        taken, self.looked_through = self.looked_through, []
        return taken


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    rules = Rules()
    monkeypatch.setattr(module, "redaction_version", rules.version)
    monkeypatch.setattr(module, "redact_document", rules.redact)
    return rules


@pytest.fixture
def store(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "index"))


def sync(store: LanceDBStore, *documents: Document) -> SyncReport:
    source = ListSource(documents)
    pipeline = Pipeline(source=source, target=target_of(store, EMBEDDER), meter=Meter())
    return write(pipeline.embedded_documents(WEEK, now=NOW))


def records(store: LanceDBStore) -> dict[str, tuple[str, str]]:
    """Return the text and the fingerprint of each record."""
    hits = store.lookup("jira", where=Filter(), limit=1_000)
    return {hit.id: (str(hit.metadata["text"]), str(hit.metadata["fingerprint"])) for hit in hits}


def said(store: LanceDBStore) -> str:
    return "\n".join(text for text, _ in records(store).values())


def test_what_stands_in_the_index_as_it_comes_is_not_looked_through_again(
    store: LanceDBStore, rules: Rules
) -> None:
    plain = document("1", "a crane", updated_at="2026-03-02T10:00")
    secret = document("2", "password: hunter2x", updated_at="2026-03-02T10:00")
    sync(store, plain, secret)
    assert sorted(rules.taken()) == ["jira:1", "jira:2"]
    # What had a secret never comes as the index holds it.
    report = sync(store, plain, secret)
    assert rules.taken() == ["jira:2"]
    assert (report.total.unchanged_documents, report.total.redacted_secrets) == (2, 1)
    sync(store, document("1", "a crane: password: hunter2x", updated_at="2026-03-03T10:00"))
    assert rules.taken() == ["jira:1"]
    assert "hunter2x" not in said(store)


def test_what_shows_a_mark_is_looked_through_though_it_comes_as_it_stands(
    store: LanceDBStore, rules: Rules
) -> None:
    quoted = document("1", "it said [redacted: password] here", updated_at="2026-03-02T10:00")
    for _ in range(2):
        sync(store, quoted)
        assert rules.taken() == ["jira:1"]


def test_other_rules_look_through_everything_once(store: LanceDBStore, rules: Rules) -> None:
    documents = [
        document("1", "a crane", updated_at="2026-03-02T10:00"),
        document("2", "the zebra2 sleeps", updated_at="2026-03-02T10:00"),
    ]
    sync(store, *documents)
    rules.taken()
    rules.number = 2
    report = sync(store, *documents)
    assert sorted(rules.taken()) == ["jira:1", "jira:2"]
    assert "zebra2" not in said(store)
    # Of the other one its mark alone is written: it counts as unchanged, and nothing is embedded.
    assert (report.total.unchanged_documents, report.total.embedded_chunks) == (1, 1)
    sync(store, *documents)
    assert rules.taken() == ["jira:2"]


def test_a_version_that_the_index_has_overtaken_is_not_looked_through(
    store: LanceDBStore, rules: Rules
) -> None:
    sync(store, document("1", "the newer", updated_at="2026-03-03T10:00"))
    rules.taken()
    sync(store, document("1", "password: hunter2x", updated_at="2026-03-02T10:00"))
    assert rules.taken() == []
    assert "hunter2x" not in said(store)


_WORDS = (
    "a crane", "password: hunter2x", "zebra2", "zebra3", "[redacted: password]", "token",
    "gh" + "p_" + "1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R", "the pier", "[redacted: ", "key = ",
)  # fmt: skip


def _edited(chance: Random, number: int, hour: int) -> Document:
    words = chance.choices(_WORDS, k=chance.randint(1, 5))
    return document(str(number), " ".join(words), updated_at=f"2026-03-02T{hour:02d}:00")


def _nights(chance: Random, rules: Rules) -> Iterator[list[Document]]:
    """Yield what the source gives night after night; between them, rules change at times."""
    documents = {number: _edited(chance, number, 0) for number in range(8)}
    for hour in range(1, 7):
        yield list(documents.values())
        for number in chance.sample(range(8), k=chance.randint(0, 4)):
            documents[number] = _edited(chance, number, hour)
        if chance.random() < 0.3:
            rules.number += 1
    yield list(documents.values())


def _play(store: LanceDBStore, rules: Rules, folder: Path, seed: int) -> None:
    for night, documents in enumerate(_nights(Random(seed), rules)):
        sync(store, *documents)
        fresh = LanceDBStore(str(folder / f"fresh{night}"))
        sync(fresh, *documents)
        assert records(store) == records(fresh)
        assert "hunter2x" not in said(store)
        marked = {each.id for each in documents if has_marks(rules.redact(each)[0])}
        rules.taken()
        # A night in which nothing changed looks through what has, or quotes, a mark alone.
        sync(store, *documents)
        assert set(rules.taken()) == marked


@pytest.mark.parametrize("seed", range(3))
def test_nights_store_what_a_new_index_would(
    store: LanceDBStore, rules: Rules, tmp_path: Path, seed: int
) -> None:
    _play(store, rules, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_worlds_of_nights_store_what_a_new_index_would(
    store: LanceDBStore, rules: Rules, tmp_path: Path, seed: int
) -> None:
    _play(store, rules, tmp_path, seed)
