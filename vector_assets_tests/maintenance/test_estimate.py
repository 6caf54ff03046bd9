"""What a sync would cost, told beforehand: near what it then does, and at no cost of its own."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.core.rate_limit import RateLimit
from vector_assets.core.settings import Settings, load_settings
from vector_assets.maintenance.estimate import Estimate, estimate_source
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources import SOURCE_NAMES
from vector_assets.sources.estimate import picked, spread_of_mean
from vector_assets.sources.fireflies.listing import began_at
from vector_assets_tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from vector_assets_tests.sources.fireflies.meetings import meeting
from vector_assets_tests.sources.slack.team import ANN, person
from vector_assets_tests.support.dates import yesterday
from vector_assets_tests.support.indexes import assert_same, contents


def ever() -> Days:
    return Days(date(2011, 1, 1), yesterday())


Office = Callable[..., tuple[Sandbox, Settings]]


@pytest.fixture
def office(
    serve: Callable[[Workspace], Sandbox], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Office:
    """A function that serves a workspace and points every setting at it."""

    def open_office(workspace: Workspace, **environment: str) -> tuple[Sandbox, Settings]:
        sandbox = serve(workspace)
        lancedb = {"VECTOR_STORE": "lancedb", "LANCEDB_URI": str(tmp_path / "lancedb")}
        since = {"PARTITIONS_START": "2011-01-01"}
        for name, value in {**sandbox.environment, **lancedb, **since, **environment}.items():
            monkeypatch.setenv(name, value)
        return sandbox, load_settings()

    return open_office


def packaged() -> Workspace:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    return workspace


def is_within(estimated: float, done: float, factor: float) -> bool:
    return done / factor <= estimated <= done * factor


@pytest.mark.parametrize(
    "source",
    [
        "jira",
        "slack",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("notion", "fireflies")),
    ],
)
def test_an_estimate_of_real_texts_is_near_what_the_sync_then_does(
    source: str, office: Office, workspace_data: Path
) -> None:
    """The factors that `docs/first-load.md` states."""
    sandbox, settings = office(Workspace.load(workspace_data))
    estimate = estimate_source(source, ever(), settings)
    asked = sum(sandbox.faults.requests(f"/{source}").values())
    sandbox.faults.log.clear()

    done = sync_source(source, ever(), settings)
    read = sum(sandbox.faults.requests(f"/{source}").values())
    embedded = sum(sandbox.faults.requests("/openai").values())
    assert is_within(estimate.documents, done.total.documents, 1.15)
    assert is_within(estimate.requests[source], read, 1.05)
    assert is_within(estimate.requests["openai"], embedded, 1.3)
    assert is_within(estimate.tokens, done.total.tokens, 1.25)
    assert is_within(estimate.chunks, done.total.chunks, 1.25)
    assert is_within(estimate.dollars, done.total.dollars, 1.25)
    # What it says of itself holds: the truth lies within its spread.
    assert abs(estimate.tokens - done.total.tokens) <= estimate.spread * estimate.tokens
    assert asked == estimate.own_requests
    assert asked <= read * 0.65


@pytest.mark.parametrize("store", ["pinecone", "lancedb"])
def test_an_estimate_writes_nothing_embeds_nothing_and_joins_nothing(
    store: str, office: Office, tmp_path: Path
) -> None:
    workspace = packaged()
    workspace.channels[0]["is_member"] = False
    sandbox, settings = office(workspace, VECTOR_STORE=store, SLACK_JOIN_PUBLIC="true")
    for source in SOURCE_NAMES:
        estimate_source(source, ever(), settings)
    log = Counter((method, path.partition("?")[0]) for method, path, _ in sandbox.faults.log)
    touched = [path for method, path in log if path.startswith(("/openai", "/pinecone"))]
    # The index was looked up, and is still not there.
    assert all(path == "/pinecone/indexes/vector-assets" for path in touched)
    assert all(method == "GET" for method, path in log if path.startswith("/pinecone"))
    assert "/slack/api/conversations.join" not in {path for _, path in log}
    assert not [path for path in (tmp_path / "lancedb").rglob("*") if path.is_file()]


@pytest.mark.parametrize("store", ["pinecone", "lancedb"])
def test_an_estimate_over_an_index_that_holds_some_leaves_it_as_it_is(
    store: str, office: Office
) -> None:
    sandbox, settings = office(packaged(), VECTOR_STORE=store)
    week = Days.newest(7, datetime.now(UTC))
    sync_source("jira", week, settings)
    before = contents(settings.lancedb_uri, ["jira"]) if store == "lancedb" else None
    sandbox.faults.log.clear()
    estimate = estimate_source("jira", week, settings)
    written = ("upsert", "update", "delete", "/openai")
    assert not [path for _, path, _ in sandbox.faults.log if any(w in path for w in written)]
    if before is not None:
        assert_same(contents(settings.lancedb_uri, ["jira"]), before)
    assert (estimate.documents, estimate.unchanged_documents) == (8, 8)
    assert (estimate.tokens, estimate.dollars, estimate.chunks) == (0, 0.0, 0)
    assert "openai" not in estimate.requests


def slack_of(channels: int, messages: int) -> Workspace:
    """A workspace whose channels say between none and twice so much; a third is threads."""
    begun = datetime.now(UTC).timestamp() - 20 * 86_400
    workspace = Workspace(users=[person(ANN, "Ann Lee")])
    for number in range(channels):
        identity = f"C0CHAN{number:04d}"
        workspace.channels.append({"id": identity, "name": f"channel-{number}", "members": [ANN]})
        said = []
        for place in range(messages * (number % 3)):
            ts = f"{begun + place * 3_600 + number:.6f}"
            text = f"message {place} of channel {number}"
            said.append({"type": "message", "user": ANN, "text": text, "ts": ts})
            if place % 3 == 0:
                reply = f"{float(ts) + 60:.6f}"
                said.append({
                    "type": "message", "user": ANN, "text": "yes", "ts": reply, "thread_ts": ts,
                })  # fmt: skip
        workspace.messages[identity] = said
    return workspace


def test_of_many_channels_some_are_read_and_the_spread_is_told(office: Office) -> None:
    sandbox, settings = office(slack_of(channels=120, messages=6))
    days = Days.newest(30, datetime.now(UTC))
    estimate = estimate_source("slack", days, settings)
    assert "from 50 of 120 channels" in estimate.basis
    assert 0.05 < estimate.spread < 0.6
    histories = sandbox.faults.requests("/slack/api/conversations.history").total()
    assert histories == 50, "fifty pages"
    sandbox.faults.log.clear()
    done = sync_source("slack", days, settings)
    read = sandbox.faults.requests("/slack").total()
    assert is_within(estimate.documents, done.total.documents, 1 + estimate.spread)
    assert is_within(estimate.requests["slack"], read, 1 + estimate.spread)


def test_threads_that_the_index_holds_count_as_unchanged_and_cost_no_request(
    office: Office,
) -> None:
    sandbox, settings = office(slack_of(channels=3, messages=12))
    days = Days.newest(30, datetime.now(UTC))
    sync_source("slack", days, settings)
    estimate = estimate_source("slack", days, settings)
    sandbox.faults.log.clear()
    done = sync_source("slack", days, settings)
    assert estimate.documents == estimate.unchanged_documents == done.total.documents
    assert estimate.tokens == 0
    assert estimate.requests["slack"] == sandbox.faults.requests("/slack").total()


@pytest.mark.parametrize("meeting_count", [0, 30, 49, 50, 75, 99, 120, 490])
def test_meetings_are_counted_with_no_more_requests_than_a_sync(
    meeting_count: int, office: Office
) -> None:
    workspace = Workspace(transcripts=[meeting(6 * n) for n in range(meeting_count)])
    sandbox, settings = office(workspace)
    estimate = estimate_source("fireflies", ever(), settings)
    asked = sandbox.faults.requests("/fireflies").total()
    assert asked == estimate.own_requests == max(1, 1 + (meeting_count - 1) // 49)
    assert (estimate.documents, estimate.basis) == (meeting_count, "counted")
    sandbox.faults.log.clear()
    done = sync_source("fireflies", ever(), settings)
    assert done.total.documents == meeting_count
    assert estimate.requests["fireflies"] == sandbox.faults.requests("/fireflies").total()


def test_of_very_many_meetings_the_oldest_count_in_proportion(office: Office) -> None:
    workspace = Workspace(transcripts=[meeting(-6 * n) for n in range(1_500)])
    sandbox, settings = office(workspace)
    oldest = min(filter(None, map(began_at, workspace.transcripts)))
    days = Days(oldest.date(), date(2026, 3, 2))
    estimate = estimate_source("fireflies", days, settings)
    assert sandbox.faults.requests("/fireflies").total() == 10
    assert "from the newest 491, back to" in estimate.basis
    assert is_within(estimate.documents, 1_500, 1.05)
    assert estimate.spread >= 1
    sandbox.faults.log.clear()
    sync_source("fireflies", days, settings)
    read = sandbox.faults.requests("/fireflies").total()
    assert is_within(estimate.requests["fireflies"], read, 1.15)


def test_a_price_of_ones_own_counts_and_an_unknown_one_is_said(office: Office) -> None:
    _, settings = office(packaged(), EMBEDDING_DOLLARS_PER_MILLION_TOKENS="100")
    estimate = estimate_source("jira", ever(), settings)
    assert estimate.dollars == pytest.approx(estimate.tokens / 10_000)
    other = settings.model_copy(
        update={
            "embedding_model": "nomic-embed-text",
            "embedding_dimensions": 768,
            "embedding_dollars_per_million_tokens": None,
        }
    )
    [note] = estimate_source("jira", ever(), other).notes
    assert "EMBEDDING_DOLLARS_PER_MILLION_TOKENS" in note


def test_limits_dictate_how_long_it_takes_at_least() -> None:
    slack = RateLimit(50, 60.0)
    assert [slack.seconds_for(n) for n in (0, 1, 50, 51, 101)] == [0, 0, 0, 60, 120]
    notion = RateLimit(3, 1.0)
    assert notion.seconds_for(302) == 100
    slow = RateLimit(0.5, 1.0)
    assert [slow.seconds_for(n) for n in (1, 2, 3)] == [0, 2, 4]


def test_a_sample_is_the_same_each_time_and_a_quarter_at_the_most() -> None:
    everything = [str(n) for n in range(100)]
    assert picked(everything, 80) == picked(reversed(everything), 80)
    assert len(set(picked(everything, 80))) == 25
    assert len(picked(everything, 10)) == 10
    assert len(picked(everything[:5], 10)) == 5


def test_a_spread_is_nothing_when_all_was_seen_and_everything_when_one_was() -> None:
    assert spread_of_mean([1, 2, 3], out_of=3) == 0
    assert spread_of_mean([5], out_of=100) == 1
    assert spread_of_mean([4, 4, 4], out_of=100) == 0
    assert 0.5 < spread_of_mean([1, 2, 3, 4], out_of=1000) < 0.6


def test_the_command_prints_what_a_sync_would_cost(
    run: Run,  # noqa: F811 - a fixture
    office: Office,
) -> None:
    sandbox, _ = office(packaged())
    code, out, _ = run("sync", "--days", "7", "--dry-run", "--json")
    printed = json.loads(out)
    assert code == 0
    assert {source["source"] for source in printed["sources"]} == set(SOURCE_NAMES)
    assert (
        printed["total"]["documents"]
        == sum(source["documents"] for source in printed["sources"])
        > 20
    )
    assert printed["total"]["requests"]["openai"] >= 4
    assert printed["total"]["dollars"] > 0

    code, out, _ = run("sync", "jira", "slack", "--days", "7", "--dry-run")
    assert code == 0
    assert "nothing was written or embedded" in out
    assert "jira: counted; texts from 8 documents read, ±0%" in out
    assert sandbox.faults.requests("/openai").total() == 0


def test_a_source_that_is_down_is_named_and_the_others_are_estimated(
    run: Run,  # noqa: F811 - a fixture
    office: Office,
) -> None:
    sandbox, _ = office(packaged())
    sandbox.faults.fail("/fireflies", status=401)
    code, out, err = run("sync", "--days", "7", "--dry-run", "--json")
    assert code == 1
    assert {source["source"] for source in json.loads(out)["sources"]} == {
        "jira",
        "slack",
        "notion",
    }
    assert "FIREFLIES_API_KEY" in err


def test_estimates_add_up() -> None:
    from vector_assets.maintenance.estimate import total_of

    jira = Estimate("jira", "a", "b", documents=2, tokens=10, spread=0.1, seconds=5)
    slack = Estimate("slack", "a", "b", documents=3, tokens=30, spread=0.5, seconds=9)
    total = total_of([jira, slack])
    assert (total.documents, total.tokens, total.seconds) == (5, 40, 9)
    assert total.spread == pytest.approx(0.4)
