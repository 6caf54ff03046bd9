"""A vendor that is down or throttles is no answer about a document; over real HTTP."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Self

import pytest

from vector_assets.core.days import Window
from vector_assets.core.errors import RetryableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.sources.base import ConnectionCheck, Missing, RemoteState, Source
from vector_assets.sources.http import httpx_transport, requests_retries
from vector_assets.sources.items import SourceItem
from vector_assets.sources.slack import client as slack_client
from vector_assets_tests.sources.notion.pages import identity
from vector_assets_tests.sources.slack import team
from vector_assets_tests.support.tiny import utc

HELD = {
    "jira": "jira:10001",
    "slack": f"slack:{team.ENGINEERING}:1772445600.000000",
    "notion": f"notion:{identity('One')}",
    "fireflies": "fireflies:meeting-1",
}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx_transport, "REPEATS_OF_FAILED", 0)
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)
    monkeypatch.setattr(slack_client, "MAX_RETRIES", 0)


@pytest.mark.parametrize("fault", [
    {"status": 429, "retry_after_seconds": 10_000}, {"status": 500}, {"status": 503},
    {"break_connection": "drop"}, {"break_connection": "truncate"},
], ids=lambda fault: "-".join(map(str, fault.values())))  # fmt: skip
@pytest.mark.parametrize("name", HELD)
def test_a_vendor_that_does_not_answer_decides_nothing(
    sandbox: Sandbox, name: str, fault: dict[str, Any]
) -> None:
    team.populate(sandbox)
    sandbox.faults.fail(f"/{name}", **fault)
    values = {key.lower(): value for key, value in sandbox.environment.items()}
    source = build_source(name, Settings.model_validate(values), Meter())
    with pytest.raises(RetryableError, match=name):
        source.probe(Missing(HELD[name], "HAR", utc("2026-03-02")))


class _Silent(Source):
    """A source of another package that cannot ask for one document."""

    name = "wiki"
    overlap = timedelta(0)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        return cls()

    def documents(self, window: Window) -> Iterator[SourceItem]:
        yield from ()

    def newest(self) -> None:
        return None

    def check(self) -> ConnectionCheck:
        return ConnectionCheck("a wiki")


class _Asking(_Silent):
    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        return ((document.document_id, RemoteState.DELETED) for document in missing)


def test_a_source_that_cannot_ask_is_unsure_and_one_that_can_is_asked() -> None:
    document = Missing("wiki:1", "Wiki", utc("2026-03-02"))
    assert (_Silent().can_probe, _Asking().can_probe) == (False, True)
    assert _Silent().probe(document).state is RemoteState.UNSURE
    assert _Asking().probe(document).state is RemoteState.DELETED
    assert _Silent.document_id_of("wiki:1") == "wiki:1"
    assert _Silent.document_id_of("OPS-1") is None
