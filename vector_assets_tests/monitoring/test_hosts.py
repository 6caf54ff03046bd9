"""How fresh the namespaces of other projects are, by the ledger of the index alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index
from vector_assets.index.hosts import HostNamespace, host_namespaces, record_host
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.stores import build_store

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lancedb_uri=str(tmp_path / "index"))


def recorded(settings: Settings, host: HostNamespace) -> None:
    record_host(Index(build_store(settings, Meter())).records.ledger(8), host)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("host", "verdict", "words"),
    [
        (HostNamespace("notes", ("n",), hours_ago(2)), Verdict.FRESH, "last written 2 h ago, by n"),
        (HostNamespace("notes", ("n",), hours_ago(40)), Verdict.LATE, "last written 40 h ago"),
        (HostNamespace("notes", ("n",), hours_ago(60)), Verdict.STALE, "last written 60 h ago"),
        (HostNamespace("notes", ("n",)), Verdict.STALE, "no run of n has succeeded yet"),
        (
            HostNamespace("notes", ("n",), hours_ago(1), hours_ago(80)),
            Verdict.STALE,
            "its newest partition ended 3 days ago",
        ),
        (HostNamespace("notes", ("n",), hours_ago(40), None, 168.0), Verdict.FRESH, "40 h ago"),
        (HostNamespace("notes", ("n",), hours_ago(5), None, 4.0), Verdict.LATE, "5 h ago"),
    ],
)
def test_a_namespace_is_judged_by_its_last_run(
    settings: Settings, host: HostNamespace, verdict: Verdict, words: str
) -> None:
    recorded(settings, host)
    health = measure(settings, Probes(settings), None, now=NOW)
    (source,) = health.sources
    assert (source.source, source.verdict) == ("notes", verdict)
    assert words in source.reasons[0]
    assert source.last_sync == host.last_run_at
    assert health.verdict is verdict


def test_what_is_recorded_is_read_back(settings: Settings) -> None:
    host = HostNamespace("notes", ("a", "b"), hours_ago(2), hours_ago(3), 5.0)
    recorded(settings, host)
    ledger = Index(build_store(settings, Meter())).ledger
    assert host_namespaces(ledger) == {"notes": host}
