"""A load of many days: newest first, gone on with where it stopped, and within a budget."""

import json
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Days, left_of
from vector_assets.core.errors import BudgetSpentError, ContractError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.pipeline.checkpoint import Budget, Checkpointer
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.resume import load_source, loaded_days
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores import build_store
from vector_assets_tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from vector_assets_tests.maintenance.test_estimate import Office, office, slack_of  # noqa: F401 - a fixture
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.support.dates import yesterday
from vector_assets_tests.support.indexes import assert_same, contents
from vector_assets_tests.support.patience import waited_for


def month() -> Days:
    return Days(yesterday() - timedelta(days=29), yesterday())


def jira_of(days: int = 30, issues_a_day: int = 20) -> Workspace:
    """A workspace in which so many issues were updated each day up to yesterday."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return Workspace(
        issues=[
            issue(
                number := day * issues_a_day + place,
                updated=noon - timedelta(days=days - day, minutes=place),
                summary=f"Issue {number}",
            )
            for day in range(days)
            for place in range(issues_a_day)
        ]
    )


def held_days(settings: Settings) -> Counter[date]:
    """Count the documents of Jira in the index by the day of their last activity."""
    heads = build_store(settings, Meter()).documents("jira")
    return Counter(datetime.fromtimestamp(head.updated_at, UTC).date() for _, head in heads)


def brought(settings: Settings) -> list[Days]:
    return loaded_days(Ledger(build_store(settings, Meter()), 1536), "jira")


def searches(sandbox: Sandbox) -> int:
    return sandbox.faults.requests("/jira/rest/api/3/search/jql").total()


def broken_after(sandbox: Sandbox, pages: int) -> None:
    path = "/jira/rest/api/3/search/jql"
    sandbox.faults.fail(path, status=400, skip=pages, times=1)


def load(settings: Settings, days: Days | None = None, **options: object) -> SyncReport:
    return load_source("jira", days or month(), settings, checkpoint_seconds=0, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("store", ["lancedb", "pinecone"])
def test_a_load_that_breaks_has_brought_the_newest_days_and_goes_on_below_them(
    office: Office,  # noqa: F811
    store: str,
) -> None:
    sandbox, settings = office(jira_of(), VECTOR_STORE=store)
    broken_after(sandbox, 3)
    with pytest.raises(ContractError, match="HTTP 400"):
        load(settings)
    # Three pages of a hundred: fifteen days, the last of them perhaps not whole.
    [done] = brought(settings)
    assert done.last == yesterday()
    assert 13 <= len(done) <= 15
    assert all(held_days(settings)[day] == 20 for day in done)
    assert min(held_days(settings)) >= month().last - timedelta(days=15)

    sandbox.faults.log.clear()
    resumed: list[Days] = []
    report = load(settings, on_resumed=lambda _, spans: resumed.extend(spans))
    assert resumed == [done]
    assert held_days(settings) == Counter(dict.fromkeys(month(), 20))
    assert searches(sandbox) <= 5, "the pages that are left, and one for the overlap"
    # What stands in the index is not paid for twice: half a day of overlap at the most.
    assert report.total.embedded_chunks <= 20 * (30 - len(done))
    assert brought(settings) == []


def test_a_finished_load_leaves_no_note_and_its_days_are_read_again_when_asked_for(
    office: Office,  # noqa: F811
) -> None:
    sandbox, settings = office(jira_of())
    load(settings)
    assert brought(settings) == []
    sandbox.workspace.issues[5] = issue(
        5, updated=datetime.now(UTC) - timedelta(days=29, hours=3), summary="Mended"
    )
    load(settings)
    titles = {hit["title"] for hit in contents(settings.lancedb_uri, ["jira"])["jira"].values()}
    assert "HAR-5 Mended" in titles


def test_days_inside_of_an_unfinished_load_are_read_again_and_its_note_stays(
    office: Office,  # noqa: F811
) -> None:
    sandbox, settings = office(jira_of())
    broken_after(sandbox, 3)
    with pytest.raises(ContractError, match="HTTP 400"):
        load(settings)
    [done] = brought(settings)
    sandbox.faults.log.clear()
    report = load(settings, Days(done.last - timedelta(days=3), done.last))
    assert report.total.unchanged_documents >= 80
    assert brought(settings) == [done]


def test_again_reads_what_an_unfinished_load_has_brought(office: Office) -> None:  # noqa: F811
    sandbox, settings = office(jira_of())
    broken_after(sandbox, 3)
    with pytest.raises(ContractError, match="HTTP 400"):
        load(settings)
    sandbox.faults.log.clear()
    report = load(settings, is_again=True)
    assert report.total.documents == 600
    assert brought(settings) == []


def test_the_next_day_a_load_brings_what_is_new_first_and_then_goes_on_below(
    office: Office,  # noqa: F811
) -> None:
    sandbox, settings = office(jira_of())
    earlier = Days(month().first, yesterday() - timedelta(days=2))
    broken_after(sandbox, 3)
    with pytest.raises(ContractError, match="HTTP 400"):
        load(settings, earlier)
    [done] = brought(settings)
    assert left_of(month(), [done]) == [
        Days(yesterday() - timedelta(days=1), yesterday()),
        Days(month().first, done.first - timedelta(days=1)),
    ]
    report = load(settings)
    assert held_days(settings) == Counter(dict.fromkeys(month(), 20))
    assert report.days[yesterday()].documents == report.days[month().first].documents == 20
    assert brought(settings) == []


def test_a_budget_of_calls_ends_a_load_which_the_same_command_goes_on_with_to_the_same_index(
    run: Run,  # noqa: F811
    office: Office,  # noqa: F811
    tmp_path: Path,
) -> None:
    _, settings = office(jira_of())
    words = ("sync", "jira", "--days", "30", "--max-calls", "9", "--json")
    codes = []
    for _ in range(20):
        code, out, err = run(*words)
        codes.append(code)
        if code == 0:
            break
        assert code == 3
        assert "not finished: the budget is spent" in err
        (report,) = json.loads(out)
        assert report["finished_days"] < report["asked_days"]
    assert 1 <= codes.count(3) <= 12
    assert codes[-1] == 0
    assert held_days(settings) == Counter(dict.fromkeys(month(), 20))

    whole = settings.model_copy(update={"lancedb_uri": str(tmp_path / "whole")})
    sync_source("jira", month(), whole)
    assert_same(
        contents(settings.lancedb_uri, ["jira"]), contents(str(tmp_path / "whole"), ["jira"])
    )


def test_a_budget_of_dollars_is_shared_by_the_sources_of_a_run() -> None:
    budget = Budget(max_dollars=1.0)
    jira, slack = SyncReport("jira"), SyncReport("slack")
    jira.total.dollars, slack.total.dollars = 0.6, 0.3
    of_jira, of_slack = (Checkpointer(report, month(), budget=budget) for report in (jira, slack))
    of_jira.record_spend()
    of_slack.record_spend()
    assert not of_slack.is_budget_spent()
    slack.total.dollars = 0.5
    of_slack.record_spend()
    assert of_jira.is_budget_spent()
    assert of_slack.is_budget_spent()
    with pytest.raises(BudgetSpentError, match=r"\$1\.1000 of \$1\.0000.*the same command"):
        of_slack.stop()


def test_what_is_left_of_days_is_told_newest_first() -> None:
    asked = Days(date(2026, 3, 1), date(2026, 3, 10))
    assert left_of(asked, []) == [asked]
    assert left_of(asked, [Days(date(2026, 3, 4), date(2026, 3, 6))]) == [
        Days(date(2026, 3, 7), date(2026, 3, 10)),
        Days(date(2026, 3, 1), date(2026, 3, 3)),
    ]
    assert left_of(asked, [asked]) == []


@pytest.mark.parametrize(
    "source", ["slack", "notion", pytest.param("fireflies", marks=pytest.mark.slow)]
)
def test_a_load_that_breaks_again_and_again_ends_with_the_same_index_as_one_that_does_not(
    source: str,
    office: Office,  # noqa: F811
    workspace_data: Path,
    tmp_path: Path,
) -> None:
    sandbox, settings = office(Workspace.load(workspace_data))
    days = {
        "slack": Days(date(2023, 8, 20), date(2023, 11, 16)),
        "notion": Days(date(2026, 3, 1), date(2026, 8, 21)),
        "fireflies": Days(date(2026, 2, 1), date(2026, 8, 12)),
    }[source]
    ends = 0
    while ends < 20:
        budget = Budget(max_calls={"slack": 60, "notion": 150, "fireflies": 4}[source])
        try:
            load_source(source, days, settings, budget=budget, checkpoint_seconds=0)
        except BudgetSpentError:
            ends += 1
        else:
            break
    assert 1 <= ends < 20
    embedded = sandbox.faults.requests("/openai").total()
    whole = settings.model_copy(update={"lancedb_uri": str(tmp_path / "whole")})
    sandbox.faults.log.clear()
    sync_source(source, days, whole)
    assert_same(contents(settings.lancedb_uri, [source]), contents(whole.lancedb_uri, [source]))
    at_once = sandbox.faults.requests("/openai").total()
    assert embedded <= at_once + 2 * ends, "a run that ends cuts a batch; none is paid for twice"


KILLED = """
from datetime import date
from vector_assets.core.days import Days
from vector_assets.pipeline.resume import load_source
from vector_assets.core.settings import load_settings
load_source("jira", Days(date({first}), date({last})), load_settings(), checkpoint_seconds=0)
"""


def test_a_process_that_is_killed_is_gone_on_with_by_another(
    office: Office,  # noqa: F811
    tmp_path: Path,
) -> None:
    sandbox, settings = office(jira_of())
    # The source stands still after three pages, so that the process is killed half-way.
    path = "/jira/rest/api/3/search/jql"
    sandbox.faults.fail(path, status=429, retry_after_seconds=30, skip=4, times=1)
    words = {
        name: f"{day.year}, {day.month}, {day.day}"
        for name, day in {"first": month().first, "last": month().last}.items()
    }
    with subprocess.Popen([sys.executable, "-c", KILLED.format(**words)]) as process:
        waited_for(lambda: brought(settings), "a note", patience_seconds=120, logs=tmp_path)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    [done] = brought(settings)
    assert done.last == yesterday()
    assert all(held_days(settings)[day] == 20 for day in done)

    sandbox.faults.clear()
    load(settings)
    assert held_days(settings) == Counter(dict.fromkeys(month(), 20))
    assert searches(sandbox) <= 2 + 6 - len(done) * 20 // 100 + 1
