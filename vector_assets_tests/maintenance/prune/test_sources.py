"""The prune over real SDKs and HTTP: documents deleted, moved, or hidden."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.prune.pruning import held, prune, sync
from vector_assets_tests.sources.fireflies.meetings import epoch_ms, meeting
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.sources.notion.pages import database, page, row_of
from vector_assets_tests.sources.slack import team as slack_team
from vector_assets_tests.support.tiny import utc

DAY = Window(utc("2026-03-15"), utc("2026-03-16"))
HISTORY = "/slack/api/conversations.history"


def source(sandbox: Sandbox, name: str, **settings: Any) -> Source:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return build_source(name, Settings.model_validate({**values, **settings}), Meter())


def populate(sandbox: Sandbox, name: str) -> None:
    """Four documents of a source, some with several chunks."""
    workspace = sandbox.workspace
    if name == "jira":
        words = {"type": "text", "text": " ".join(f"word{n}" for n in range(60))}
        body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [words]}]}
        workspace.issues += [issue(n, description=body) for n in range(1, 5)]
    elif name == "fireflies":
        workspace.transcripts += [meeting(n) for n in range(1, 5)]
    elif name == "notion":
        workspace.pages += [
            page(f"Page {n}", edited=f"2026-03-0{n}T10:00:00.000Z") for n in range(1, 5)
        ]
    else:
        slack_team.populate(sandbox)
        for n in range(1, 4):
            parent = slack_team.say(sandbox, f"2026-03-0{n}T10:00", f"question {n}")
            slack_team.say(sandbox, f"2026-03-0{n}T11:00", f"answer {n}", thread=parent)


def delete_first(sandbox: Sandbox, name: str) -> Callable[[], None]:
    """Delete a document as a person would, a page by the trash; return a function to restore it."""
    workspace = sandbox.workspace
    if name == "notion":
        trashed = workspace.pages[0]
        trashed["in_trash"] = trashed["archived"] = True
        return lambda: trashed.update(in_trash=False, archived=False)
    things: list[Any] = {
        "jira": workspace.issues,
        "fireflies": workspace.transcripts,
        "slack": workspace.messages.get(slack_team.ENGINEERING, []),
    }[name]
    count = 2 if name == "slack" else 1
    gone = things[:count]
    del things[:count]
    return lambda: things.__setitem__(slice(0, 0), gone)


@pytest.mark.parametrize("name", ["jira", "slack", "notion", "fireflies"])
def test_what_is_deleted_at_a_source_goes_with_all_its_chunks_and_comes_back_when_restored(
    sandbox: Sandbox, store: VectorStore, name: str
) -> None:
    populate(sandbox, name)
    sync(source(sandbox, name), store)
    before, count_before = held(store, name), store.count(name)
    restore = delete_first(sandbox, name)

    looked = prune(source(sandbox, name), store, is_dry_run=True)
    assert (len(looked.missing), looked.deleted, looked.refusals) == (1, [], [])
    assert (held(store, name), store.count(name)) == (before, count_before)

    report = prune(source(sandbox, name), store)
    (gone,) = [candidate.document_id for candidate in looked.missing]
    assert (report.deleted, report.refusals) == ([gone], [])
    assert held(store, name) == before - {gone}
    assert store.chunk_ids(name, gone) == []
    assert prune(source(sandbox, name), store).missing == []

    restore()
    sync(source(sandbox, name), store)
    assert (held(store, name), store.count(name)) == (before, count_before)


def cut_listing(sandbox: Sandbox, name: str) -> None:
    """Let a listing fail after its first items."""
    match name:
        case "jira":
            cut = {"isLast": False, "issues": [{"id": "10003"}]}
            sandbox.faults.fail("/jira/rest/api/3/search", status=200, body=cut)
        case "slack":
            slack_team.say(sandbox, "2026-03-05T10:00", "there", channel=slack_team.RANDOM)
            refused = {"ok": False, "error": "some_refusal"}
            sandbox.faults.fail(HISTORY, contains=slack_team.RANDOM, status=200, body=refused)
        case "notion":
            last = sandbox.workspace.pages[1]["id"]  # newest come first, and one is in the trash
            for path in (f"pages/{last}/markdown", f"blocks/{last}/children"):
                sandbox.faults.fail(f"/notion/v1/{path}", status=401)
        case "fireflies":
            refused = {"data": None, "errors": [{"code": "some_refusal", "message": ""}]}
            yesterday = datetime.now(UTC) - timedelta(days=1)
            sandbox.workspace.transcripts.append(meeting(5, date=epoch_ms(yesterday)))
            sandbox.faults.fail("/fireflies/graphql", skip=1, status=200, body=refused)


@pytest.mark.parametrize("name", ["jira", "slack", "notion", "fireflies"])
def test_a_listing_that_is_cut_part_way_deletes_nothing_whatever_share_may_go(
    sandbox: Sandbox, lance: LanceDBStore, name: str
) -> None:
    populate(sandbox, name)
    sync(source(sandbox, name), lance)
    before = held(lance, name)
    delete_first(sandbox, name)
    cut_listing(sandbox, name)
    report = prune(source(sandbox, name), lance, max_share=1)
    (refusal,) = report.refusals
    assert refusal.subject == name
    assert "its listing broke off after" in refusal.reason
    assert 0 < report.listed_documents < len(before)
    assert (report.deleted, held(lance, name)) == ([], before)


def test_a_search_of_notion_that_says_it_is_not_complete_is_refused(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "notion")
    sync(source(sandbox, "notion"), lance)
    delete_first(sandbox, "notion")
    status = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    body = {"object": "list", "results": [], "request_status": status}
    sandbox.faults.fail("/notion/v1/search", status=200, body=body)
    report = prune(source(sandbox, "notion"), lance, max_share=1)
    assert "a list that is incomplete" in report.refusals[0].reason
    assert len(held(lance, "notion")) == 4


def test_an_issue_that_the_search_does_not_show_is_asked_for_by_id_and_stays(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "jira")
    sync(source(sandbox, "jira"), lance)
    before = held(lance, "jira")
    sandbox.workspace.site.jira_unindexed_issue_ids = ["10002"]
    report = prune(source(sandbox, "jira"), lance)
    assert (report.moved_documents, report.missing, report.refusals) == (1, [], [])
    assert held(lance, "jira") == before


def test_an_issue_that_moved_out_of_the_projects_that_are_read_is_not_deleted(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "jira")
    sync(source(sandbox, "jira", jira_projects="HAR"), lance)
    moved = sandbox.workspace.issues[0]
    moved["key"], moved["fields"]["project"] = "OPS-1", {"id": "97", "key": "OPS", "name": "Ops"}
    report = prune(source(sandbox, "jira", jira_projects="HAR"), lance)
    assert (report.moved_documents, report.deleted) == (1, [])
    assert "jira:10001" in held(lance, "jira")


def test_a_project_that_may_not_be_browsed_any_more_is_refused_by_name_and_the_others_pruned(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "jira")
    sandbox.workspace.issues.append(issue(9, project="OPS"))
    sync(source(sandbox, "jira"), lance)
    sandbox.workspace.site.jira_hidden_projects = ["OPS"]
    delete_first(sandbox, "jira")

    report = prune(source(sandbox, "jira"), lance)
    (refusal,) = report.refusals
    assert (refusal.subject, refusal.documents) == ("OPS", 1)
    assert "none of it is shown any more" in refusal.reason
    assert "prune jira --container OPS --max-share 1" in refusal.advice
    assert report.deleted == ["jira:10001"]
    assert "jira:10009" in held(lance, "jira")

    believed = prune(source(sandbox, "jira"), lance, max_share=1, containers=["OPS"])
    assert (believed.deleted, believed.refusals) == (["jira:10009"], [])


def test_an_account_that_sees_no_project_any_more_is_refused(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "jira")
    sync(source(sandbox, "jira"), lance)
    sandbox.workspace.site.jira_hidden_projects = ["HAR"]
    report = prune(source(sandbox, "jira"), lance, max_share=1)
    (refusal,) = report.refusals
    assert "its account sees no project" in refusal.reason
    assert len(held(lance, "jira")) == 4


@pytest.mark.parametrize("how", ["the bot was removed", "the channel is gone", "lost a scope"])
def test_a_channel_that_cannot_be_read_any_more_is_refused_by_name_and_the_others_pruned(
    sandbox: Sandbox, lance: LanceDBStore, how: str
) -> None:
    populate(sandbox, "slack")
    slack_team.say(sandbox, "2026-03-05T10:00", "there", channel=slack_team.RANDOM)
    site = sandbox.workspace.site
    if how == "lost a scope":
        site.private_channel_ids = [slack_team.RANDOM]
    sync(source(sandbox, "slack"), lance)
    there = {each for each in held(lance, "slack") if slack_team.RANDOM in each}
    assert len(there) == 2
    if how == "the bot was removed":
        sandbox.workspace.channels[1]["is_member"] = False
    elif how == "the channel is gone":
        del sandbox.workspace.channels[1]
    else:
        site.slack_scopes = [
            scope for scope in site.slack_scopes if not scope.startswith("groups:")
        ]
    delete_first(sandbox, "slack")

    report = prune(source(sandbox, "slack"), lance)
    (refusal,) = report.refusals
    assert (refusal.subject, refusal.documents) in (("#random", 2), (slack_team.RANDOM, 2))
    assert "--container random --max-share 1" in refusal.advice
    assert len(report.deleted) == 1
    assert there < held(lance, "slack")

    believed = prune(source(sandbox, "slack"), lance, max_share=1, containers=["random"])
    assert set(believed.deleted) == there


def test_channels_that_the_settings_leave_out_are_not_taken_for_deleted(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "slack")
    slack_team.say(sandbox, "2026-03-05T10:00", "there", channel=slack_team.RANDOM)
    sync(source(sandbox, "slack"), lance)
    before = held(lance, "slack")
    report = prune(source(sandbox, "slack", slack_channels="engineering"), lance)
    assert [refusal.subject for refusal in report.refusals] == ["random"]
    assert held(lance, "slack") == before


def test_an_archived_channel_that_answers_loses_only_what_was_deleted(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "slack")
    sync(source(sandbox, "slack"), lance)
    before = held(lance, "slack")
    sandbox.workspace.channels[0]["is_archived"] = True
    delete_first(sandbox, "slack")
    report = prune(source(sandbox, "slack"), lance)
    assert (len(report.deleted), report.refusals) == (1, [])
    assert held(lance, "slack") == before - set(report.deleted)


def test_a_thread_that_lost_its_newest_reply_has_left_the_window_and_is_not_deleted(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    slack_team.populate(sandbox)
    parent = slack_team.say(sandbox, "2023-12-20T10:00", "question")
    slack_team.say(sandbox, "2026-03-02T10:00", "answer", thread=parent)
    slack_team.say(
        sandbox, "2026-03-15T10:00", "late word", thread=parent, subtype="thread_broadcast"
    )
    sync(source(sandbox, "slack"), lance)
    before = held(lance, "slack")
    assert f"slack:{slack_team.ENGINEERING}:{parent}" in before
    del sandbox.workspace.messages[slack_team.ENGINEERING][2]
    report = prune(source(sandbox, "slack"), lance, window=DAY)
    assert (report.judged_documents, report.moved_documents, report.deleted) == (1, 1, [])
    assert held(lance, "slack") == before


def test_pages_of_a_database_that_is_not_shared_any_more_are_refused_by_its_name(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "notion")
    plans = database("Plans")
    rows = [page(f"Row {n}", parent=row_of(plans)) for n in (1, 2)]
    sandbox.workspace.databases.append(plans)
    sandbox.workspace.pages += rows
    sync(source(sandbox, "notion"), lance)
    before = held(lance, "notion")
    assert len(before) == 6
    sandbox.workspace.site.notion_unshared_ids = [plans["id"], *(row["id"] for row in rows)]
    report = prune(source(sandbox, "notion"), lance)
    assert [(refusal.subject, refusal.documents) for refusal in report.refusals] == [("Plans", 2)]
    assert held(lance, "notion") == before


def test_a_page_that_neither_search_nor_its_parent_shows_is_asked_for_by_id_and_stays(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "notion")
    sync(source(sandbox, "notion"), lance)
    before = held(lance, "notion")
    sandbox.workspace.site.notion_hidden_page_ids = [sandbox.workspace.pages[1]["id"]]
    report = prune(source(sandbox, "notion"), lance)
    assert (report.moved_documents, report.missing, report.refusals) == (1, [], [])
    assert held(lance, "notion") == before


def test_an_integration_that_may_not_ask_for_a_page_any_more_is_refused(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "notion")
    sync(source(sandbox, "notion"), lance)
    delete_first(sandbox, "notion")
    sandbox.faults.fail("/notion/v1/pages/", status=403)
    report = prune(source(sandbox, "notion"), lance)
    (refusal,) = report.refusals
    assert "restricted_resource" in refusal.reason
    assert len(held(lance, "notion")) == 4


def test_who_is_no_admin_of_fireflies_any_more_deletes_nothing_of_others(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    populate(sandbox, "fireflies")
    sync(source(sandbox, "fireflies"), lance)
    before = held(lance, "fireflies")
    sandbox.workspace.transcripts[0] |= {
        "privacy": "owner", "organizer_email": "x@example.com", "participants": [],
    }  # fmt: skip
    sandbox.workspace.site.fireflies_is_admin = False
    report = prune(source(sandbox, "fireflies"), lance)
    (refusal,) = report.refusals
    assert "the account sees too little to tell" in refusal.reason
    assert (report.deleted, held(lance, "fireflies")) == ([], before)
