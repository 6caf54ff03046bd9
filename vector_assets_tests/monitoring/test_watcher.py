"""The watcher alerts of a dead daemon, whatever a vendor, the index or Dagster answers."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index
from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import Channel, Message
from vector_assets.monitoring.alerts.incidents import FileIncidentStore
from vector_assets.monitoring.dagster_state.state import AssetHistory, DagsterState
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.monitoring.watcher import Watcher
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.patience import first_answer

PATHS = {
    "jira": ("/jira/rest/api/3/search/jql", "/jira/rest/api/3"),
    "slack": ("/slack/api/conversations.history", "/slack/api/conversations.list", "/slack/api"),
    "notion": ("/notion/v1/search", "/notion"),
    "fireflies": ("/fireflies/graphql",),
}
KEYS = (
    "ok", "channels", "messages", "id", "ts", "issues", "fields", "updated", "isLast", "results",
    "last_edited_time", "has_more", "data", "transcripts", "date", "errors", "response_metadata",
)  # fmt: skip


class Panic(BaseException):
    """As libraries in Rust raise it: no `Exception`."""


class WordlessError(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("no words")


ERRORS: tuple[type[BaseException], ...] = (
    KeyError, TypeError, RuntimeError, ValueError, OSError, IndexError, AttributeError,
    RecursionError, ArithmeticError, AssertionError, Panic, SystemExit, WordlessError,
)  # fmt: skip
VENDOR_ANSWERS = 100
INDEX_ERRORS = 30
SOAK = 5
"""As many times more answers and errors in the soak."""

TIMES = [1, pytest.param(SOAK, marks=pytest.mark.slow)]


class Sent(Channel):
    """A channel that keeps what it is told."""

    name = "sent"
    setting = "none"

    def __init__(self) -> None:
        self.keys: list[str] = []

    def send(self, message: Message) -> None:
        self.keys.append(message.problem.key)


@pytest.fixture(scope="module")
def team() -> Iterator[Sandbox]:
    with running_sandbox(Workspace.load(PACKAGED_WORKSPACE)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _dead_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = DagsterState(heartbeats={"SENSOR": datetime.now(UTC) - timedelta(hours=1)})
    monkeypatch.setattr("vector_assets.monitoring.watcher.observe", lambda _: dead)


def odd_json(chance: random.Random, depth: int = 0) -> Any:
    """Return any JSON, with the names that vendors use."""
    leaves = [None, True, False, 0, -1, 1e300, "", "x", "2026-13-45T99:00:00Z", "y" * 10_000]
    kind = chance.randrange(4) if depth < 4 else 3
    if kind == 0:
        return [odd_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind in (1, 2):
        return {
            chance.choice(KEYS): odd_json(chance, depth + 1) for _ in range(chance.randrange(6))
        } | ({"ok": True} if chance.random() < 0.5 else {})
    return chance.choice(leaves)


def odd_answer(chance: random.Random) -> dict[str, Any]:
    """Return a rule for an answer that no vendor documents: odd, empty, huge or endless JSON."""
    kind = chance.randrange(20)
    if kind == 0:
        return {"status": 200, "body": "", "drip_seconds": 0.0}
    if kind == 1:
        return {"status": 200, "body": [{"id": "x" * 1000}] * 2_000}
    if kind == 2:
        return {"status": 200, "body": {"ok": True, "channels": ["x"] * 50}, "drip_seconds": 0.2}
    return {"status": chance.choice((200, 200, 200, 201, 302, 404)), "body": odd_json(chance)}


def settings_of(sandbox: Sandbox, source: str) -> Settings:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return Settings.model_validate(
        {**values, "vector_assets_sources": source, "heartbeat_max_age_seconds": 0}
    )


def alerts_of(
    settings: Settings, index: Index, folder: Path, answer_seconds: float = 1.0
) -> tuple[list[str], Watcher]:
    """Check once and return the keys of the alerts that were sent."""
    sent = Sent()
    watcher = Watcher(
        settings,
        Alerter("watcher", [sent], FileIncidentStore(folder)),
        Probes(settings, index, answer_seconds=answer_seconds),
    )
    watcher.check_once()
    return sent.keys, watcher


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("source", PATHS)
def test_a_dead_daemon_is_alerted_whatever_a_vendor_answers(
    source: str, times: int, team: Sandbox, tmp_path: Path
) -> None:
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    settings = settings_of(team, source)
    unread, answers = 0, times * VENDOR_ANSWERS // len(PATHS)
    for seed in range(answers):
        chance = random.Random(seed)
        team.faults.clear()
        team.faults.fail(
            chance.choice(PATHS[source]), skip=chance.randrange(2), **odd_answer(chance)
        )
        keys, watcher = alerts_of(settings, index, tmp_path / str(seed))
        assert "daemon" in keys, seed
        snapshot = watcher.last()
        assert snapshot is not None
        assert [checked.source for checked in snapshot.health.sources] == [source]
        unread += any("cannot be" in reason for reason in snapshot.health.sources[0].reasons)
    team.faults.clear()
    assert unread > answers // 4, "the odd answers have to matter"


class Broken(LanceDBStore):
    """An index that fails with an error that is not ours."""

    error: BaseException = RuntimeError("table not found")

    def record_ids(self, *_: Any, **__: Any) -> Any:
        raise self.error

    watermark = count = heads = documents = fetch = fingerprints = record_ids


@pytest.mark.parametrize("times", TIMES)
def test_a_dead_daemon_is_alerted_whatever_the_index_raises(
    times: int, team: Sandbox, tmp_path: Path
) -> None:
    settings = settings_of(team, "fireflies")
    for seed in range(times * INDEX_ERRORS):
        store = Broken(str(tmp_path / "lancedb"))
        store.error = ERRORS[seed % len(ERRORS)](f"odd {seed}")
        keys, watcher = alerts_of(settings, Index(store), tmp_path / str(seed))
        assert "daemon" in keys, seed
        snapshot = watcher.last()
        assert snapshot is not None
        assert "index" in {problem.key for problem in snapshot.health.problems}


@pytest.mark.parametrize("part", ["source_class", "build_source"])
@pytest.mark.parametrize("kind", ERRORS)
def test_a_dead_daemon_is_alerted_whatever_the_code_of_a_source_raises(
    kind: type[BaseException],
    part: str,
    team: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise kind("odd")

    monkeypatch.setattr(f"vector_assets.monitoring.probes.{part}", broken)
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    keys, watcher = alerts_of(settings_of(team, "fireflies"), index, tmp_path, answer_seconds=60.0)
    assert "daemon" in keys
    snapshot = watcher.last()
    assert snapshot is not None
    [reason] = snapshot.health.sources[0].reasons
    assert kind.__name__ in reason


@pytest.mark.parametrize("watermark", [datetime(2026, 1, 1), "2026-01-01", 7])  # noqa: DTZ001
def test_an_odd_watermark_is_an_index_that_cannot_be_read(
    watermark: Any, team: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LanceDBStore, "watermark", lambda *_: watermark)
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    keys, watcher = alerts_of(settings_of(team, "fireflies"), index, tmp_path)
    assert "daemon" in keys
    snapshot = watcher.last()
    assert snapshot is not None
    assert "index" in {problem.key for problem in snapshot.health.problems}


def test_a_source_that_cannot_be_judged_is_unknown_and_the_daemon_is_told(
    team: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = AssetHistory(recent=(None,))  # type: ignore[arg-type]
    beats = {"SENSOR": datetime.now(UTC) - timedelta(hours=1)}
    state = DagsterState(assets={"fireflies": odd}, heartbeats=beats)
    monkeypatch.setattr("vector_assets.monitoring.watcher.observe", lambda _: state)
    monkeypatch.setattr("vector_assets.monitoring.health.canary_found", lambda *_: (None, ()))
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    keys, watcher = alerts_of(settings_of(team, "fireflies"), index, tmp_path)
    assert "daemon" in keys
    snapshot = watcher.last()
    assert snapshot is not None
    assert snapshot.health.sources[0].verdict is Verdict.UNKNOWN


def test_a_heartbeat_of_the_future_is_alerted_and_keeps_no_daemon_alive(
    team: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = DagsterState(heartbeats={"SENSOR": datetime.now(UTC) + timedelta(days=30)})
    monkeypatch.setattr("vector_assets.monitoring.watcher.observe", lambda _: ahead)
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    keys, _ = alerts_of(settings_of(team, "fireflies"), index, tmp_path)
    assert "daemon-clock" in keys


def test_a_check_that_fails_is_an_alert_that_ends_with_the_next_good_one(
    team: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent()
    settings = settings_of(team, "fireflies").model_copy(update={"watch_seconds": 0.05})
    index = Index(LanceDBStore(str(tmp_path / "lancedb")))
    store = FileIncidentStore(tmp_path / "incidents")
    watcher = Watcher(settings, Alerter("watcher", [sent], store), Probes(settings, index))

    def broken(*_: object) -> None:
        raise KeyError("sources")

    with monkeypatch.context() as patch:
        patch.setattr("vector_assets.monitoring.watcher.measure", broken)
        watcher.start()
        assert first_answer(lambda: "watcher" in sent.keys, pause_seconds=0.01)
        assert first_answer(lambda: "daemon" in sent.keys, pause_seconds=0.01), "told all the same"
    assert first_answer(
        lambda: "watcher" not in {incident.problem.key for incident in store.all()},
        pause_seconds=0.01,
    )
    watcher.stop()
    assert sent.keys.count("watcher") == 2, "opened once, and over"
