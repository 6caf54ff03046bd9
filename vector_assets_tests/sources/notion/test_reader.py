"""Pages whose body Notion does not give: when they fail, and when they are read without it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import httpx_transport
from vector_assets.sources.notion.source import NotionSource
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.notion.pages import Json, comment, identity, page, paragraph
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

BODY = f"/notion/v1/blocks/{identity('Odd')}/children"
MARKDOWN = f"/notion/v1/pages/{identity('Odd')}/markdown"
ODD = f"notion:{identity('Odd')}"
GAP = ("bodies of pages", 1)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    monkeypatch.setattr(httpx_transport, "BACKOFF_SECONDS", 0.0)


class Nights:
    """Nightly runs over one index, from March 3rd on."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        values = {key.lower(): value for key, value in sandbox.environment.items()}
        self._settings = Settings.model_validate(values)
        self._store = LanceDBStore(str(folder / "lancedb"))
        self._now = utc("2026-03-02T01:00")

    def next(self, *, is_rescan: bool = False) -> SyncReport:
        self._now += timedelta(days=1)
        pipeline = Pipeline(
            source=NotionSource.from_settings(self._settings, Meter()),
            target=target_of(self._store, TinyEmbedder()),
            meter=Meter(),
        )
        days = Days.newest(5 if is_rescan else 1, self._now)
        return write(pipeline.embedded_documents(days, now=self._now, is_rescan=is_rescan))

    def source(self) -> NotionSource:
        """Return the source as a prune asks it."""
        source = NotionSource.from_settings(self._settings, Meter())
        source.known = HeldVersions(self._store, "notion", "", is_rescan=True)
        return source

    def text(self) -> str:
        hits = self._store.lookup("notion", where=Filter(), limit=50)
        texts = (hit.metadata["text"] for hit in hits if hit.metadata["document_id"] == ODD)
        return "\n".join(map(str, texts))


def odd_page(edited: str = "2026-03-02T10:00:00.000Z", area: str = "Harbour") -> Json:
    area_value = {"type": "select", "select": {"name": area}}
    whole = page("Odd", paragraph("The body."), edited=edited, Area=area_value)
    return {**whole, "comments": [comment("An aside.")]}


def never_give_the_body(sandbox: Sandbox, **fault: Any) -> None:
    for path in (BODY, MARKDOWN):
        sandbox.faults.fail(path, **fault)


def seen(report: SyncReport) -> tuple[list[str], list[tuple[str, int]]]:
    """Return what is in quarantine after a night, and the gaps."""
    failed = [failure.document_id for failure in report.quarantine]
    return failed, [(gap.subject, gap.count) for gap in report.gaps]


FAILING = ([ODD], [])
NEVER: list[tuple[Json, int]] = [
    ({"status": 400}, 1),
    ({"status": 404}, 1),
    ({"status": 403}, 1),
    ({"status": 200, "body": {"object": "list", "results": None}}, 1),
    ({"status": 200, "body": {"object": "list", "results": [{"id": "b", "type": ["p"]}]}}, 1),
    ({"status": 409}, 2),
    ({"status": 500}, 2),
    ({"status": 503}, 2),
]


@pytest.mark.parametrize(("fault", "failing_nights"), NEVER, ids=str)
def test_a_page_whose_body_is_never_given_is_found_by_the_rest(
    sandbox: Sandbox, tmp_path: Path, fault: Json, failing_nights: int
) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    never_give_the_body(sandbox, **fault)
    for _ in range(failing_nights):
        assert seen(nights.next()) == FAILING
    assert seen(nights.next()) == ([], [GAP])
    assert "Harbour" in nights.text()
    assert "An aside." in nights.text()
    # It is not asked for again each night.
    sandbox.faults.log.clear()
    assert seen(nights.next()) == ([], [])
    assert sandbox.faults.requests(BODY).total() == 0
    # An edit asks again: what can be read is current, and the run does not fail.
    sandbox.workspace.pages = [odd_page(f"2026-03-0{failing_nights + 4}T10:00:00Z", "Quay")]
    assert seen(nights.next()) == ([], [GAP])
    assert seen(nights.next()) == ([], [])
    assert "Quay" in nights.text()


def test_a_body_that_is_given_after_all_is_read_with_the_next_edit(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    never_give_the_body(sandbox, status=400)
    nights.next()
    nights.next()
    assert "The body." not in nights.text()
    sandbox.faults.rules.clear()
    sandbox.workspace.pages = [odd_page("2026-03-04T10:00:00.000Z")]
    assert seen(nights.next()) == ([], [])
    assert "The body." in nights.text()


def test_a_rescan_asks_again_and_does_not_fail(sandbox: Sandbox, tmp_path: Path) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    never_give_the_body(sandbox, status=400)
    nights.next()
    nights.next()
    assert seen(nights.next(is_rescan=True)) == ([], [GAP])
    sandbox.faults.rules.clear()
    assert seen(nights.next(is_rescan=True)) == ([], [])
    assert "The body." in nights.text()


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_body_that_the_index_holds_stays_and_the_page_fails_by_name(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    nights.next()
    sandbox.workspace.pages = [odd_page("2026-03-03T10:00:00.000Z", "Quay")]
    never_give_the_body(sandbox, status=status)
    for _ in range(4):
        assert seen(nights.next()) == FAILING
        assert "The body." in nights.text()


@pytest.mark.parametrize("failure", ["comments", "properties"])
def test_nothing_else_of_such_a_page_is_left_out(
    sandbox: Sandbox, tmp_path: Path, failure: str
) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    never_give_the_body(sandbox, status=400)
    path = {"comments": "/notion/v1/comments", "properties": "/notion/v1/users"}[failure]
    sandbox.faults.fail(path, status=400)
    for _ in range(3):
        assert seen(nights.next()) == FAILING


def test_a_listing_of_ids_passes_over_the_body_of_a_page_in_the_index(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    nights = Nights(sandbox, tmp_path)
    sandbox.workspace.pages = [odd_page()]
    never_give_the_body(sandbox, status=400)
    nights.next()
    nights.next()
    assert list(nights.source().ids(Window(utc("2026-03-01"), None))) == [ODD]
