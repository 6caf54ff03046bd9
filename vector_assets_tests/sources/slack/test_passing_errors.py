"""An error that passes is no fact: whatever Slack fails at, the index holds what it held."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.maintenance.prune.prune import Prune
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Record
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.slack.team import (
    ANN,
    BEN,
    ENGINEERING,
    RANDOM,
    impatient_source,
    person,
    populate,
    say,
)
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EMBEDDER = TinyEmbedder()
SECRET, GONE = "C0SECRET01", "C0GONE0001"
NIGHT = Days(utc("2026-03-02").date(), utc("2026-03-02").date())
MORNING = utc("2026-03-03T06:00")

METHODS = (
    "auth.test", "conversations.history", "conversations.info", "conversations.list",
    "conversations.members", "conversations.replies", "usergroups.list", "users.info", "users.list",
)  # fmt: skip
EMPTY_LISTS: dict[str, dict[str, Any]] = {
    "conversations.list": {"channels": []},
    "conversations.replies": {"messages": []},
    "users.list": {"members": []},
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"break_connection": "drop"},
    {"status": 200, "body": {"ok": False, "error": "internal_error"}},
    {"status": 200, "body": {"ok": False, "error": "some_new_error"}},
    {"status": 200, "body": {"ok": True}},
)


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    """Channels of each kind: public, private, and one that the bot does not see any more."""
    populate(sandbox)
    site = sandbox.workspace
    site.users.append({**person("U0EXT0001", "Eve Park"), "is_stranger": True})
    site.usergroups.append({"id": "S0WEB0001", "handle": "web"})
    for channel_id, name in ((SECRET, "secret"), (GONE, "gone")):
        members = [ANN, BEN, "U0EXT0001"]
        site.channels.append({"id": channel_id, "name": name, "members": members})
        site.site.private_channel_ids.append(channel_id)
    for channel in (ENGINEERING, RANDOM, SECRET, GONE):
        for day in ("2023-05-05", "2026-03-02"):
            say(sandbox, f"{day}T09:00", "badger for <@U0EXT0001>", channel=channel)
            parent = say(sandbox, f"{day}T10:00", "<!subteam^S0WEB0001>?", channel=channel)
            say(sandbox, f"{day}T11:00", "answer", channel=channel, thread=parent)
    return sandbox


@pytest.fixture
def store(team: Sandbox, tmp_path: Path) -> LanceDBStore:
    index = LanceDBStore(str(tmp_path / "lancedb"))
    sync(team, index, Days(utc("2023-01-01").date(), NIGHT.last))
    team.workspace.channels[-1]["is_member"] = False
    sync(team, index)
    return index


def sync(team: Sandbox, store: LanceDBStore, days: Days = NIGHT) -> None:
    pipeline = Pipeline(
        source=impatient_source(team), target=target_of(store, EMBEDDER), meter=Meter()
    )
    write(pipeline.embedded_documents(days, MORNING))


def contents(store: LanceDBStore) -> dict[str, tuple[Any, ...]]:
    """Return who may read each record, and its text; a name may be shown by its id."""

    def text(record: Record) -> str:
        named = str(record.metadata["text"]).replace("@U0EXT0001", "@Eve Park")
        return named.replace("@S0WEB0001", "@web")

    records = store.fetch("slack", list(store.record_ids("slack")))
    return {record.id: (record.metadata["access"], text(record)) for record in records}


@pytest.mark.parametrize("method", METHODS)
def test_a_night_of_errors_changes_nothing_in_the_index(
    team: Sandbox, store: LanceDBStore, method: str
) -> None:
    before = contents(store)
    assert {tuple(access) for access, _ in before.values()} == {
        ("public",),
        ("restricted",),
        ("restricted", "ann.lee@example.com", "ben.oz@example.com", "eve.park@example.com"),
    }
    say(team, "2026-03-02T12:00", "new", thread=team.workspace.messages[RANDOM][-2]["ts"],
        channel=RANDOM)  # fmt: skip
    odd = EMPTY_LISTS.get(method)
    faults = (*FAULTS, {"status": 200, "body": {"ok": True, **odd}}) if odd else FAULTS
    for fault in faults:
        team.faults.clear()
        team.faults.fail(f"/slack/api/{method}", **fault)
        with suppress(VectorAssetsError):  # the run says so, and the next one goes on
            sync(team, store)
        after = contents(store)
        changed = {each for each in before if after.get(each) != before[each]}
        thread = f"slack:{RANDOM}:"
        assert {each for each in changed if not each.startswith(thread)} == set(), fault
        assert all("answer" in after[each][1] for each in changed), fault
        report = Prune(impatient_source(team), store, Meter(), max_share=0.9, now=MORNING).run()
        assert report.deleted == [], fault


def test_a_refusal_that_slack_documents_hides_a_channel(team: Sandbox, store: LanceDBStore) -> None:
    team.faults.fail(
        "/slack/api/conversations.members",
        status=200,
        body={"ok": False, "error": "channel_not_found"},
    )
    sync(team, store)
    after = contents(store)
    access = {tuple(who) for each, (who, _) in after.items() if f":{SECRET}" in each}
    assert access == {("restricted",)}


def test_a_listing_that_ends_too_early_is_none(team: Sandbox, store: LanceDBStore) -> None:
    before = contents(store)
    body = {"ok": True, "messages": [], "has_more": True}
    team.faults.fail("/slack/api/conversations.history", status=200, body=body)
    with pytest.raises(VectorAssetsError, match="has_more without a cursor"):
        sync(team, store)
    report = Prune(impatient_source(team), store, Meter(), max_share=0.9, now=MORNING).run()
    assert (report.deleted, contents(store)) == ([], before)
    assert report.refusals
