"""One channel, member or list that is not as documented costs no other, and opens nothing."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import DocumentFailure
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
from vector_assets_tests.support.tiny import utc

Json = dict[str, Any]
WINDOW = Window(utc("2026-03-02"), utc("2026-03-03"))
ODD: list[Any] = [None, True, 0, -1, 2.5, 10**30, "", "odd", [], ["odd"], [None], {}, {"odd": 1}]
CHANNEL: Json = {
    "id": RANDOM, "name": "random", "is_private": True, "is_archived": False, "is_member": True,
    "num_members": 2, "created": 1, "topic": {"value": "Tea", "last_set": 2},
    "purpose": {"value": "Talk", "last_set": 3}, "is_im": False, "is_mpim": False,
}  # fmt: skip
USUAL: Json = {"id": ENGINEERING, "name": "engineering", "is_private": False, "is_member": True}


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    sandbox.workspace.site.private_channel_ids.append(RANDOM)
    for channel in (ENGINEERING, RANDOM):
        say(sandbox, "2026-03-02T10:00", f"said by <@{BEN}>", channel=channel)
    return sandbox


def read(team: Sandbox, method: str, body: Json) -> dict[str, Document]:
    """Read a night of which Slack answers one method so; return its days by channel."""
    team.faults.clear()
    team.faults.fail(f"/slack/api/{method}", status=200, body={"ok": True, **body})
    items = list(impatient_source(team).documents(WINDOW))
    assert [item for item in items if isinstance(item, DocumentFailure)] == []
    days = [item for item in items if isinstance(item, Document) and ":" in item.native_id]
    return {day.native_id.partition(":")[0]: day for day in days}


@pytest.mark.parametrize("field", sorted(CHANNEL))
def test_an_odd_channel_costs_no_other_and_is_never_opened(team: Sandbox, field: str) -> None:
    for value in ODD:
        odd = CHANNEL | {field: value}
        days = read(team, "conversations.list", {"channels": [odd, None, USUAL]})
        assert days[ENGINEERING].access == ("public",)
        if field not in ("id", "is_im", "is_mpim", "is_member"):
            assert days[RANDOM].access[0] == "restricted", (field, value)


@pytest.mark.parametrize("field", ["id", "name", "real_name", "profile", "is_bot", "deleted"])
def test_an_odd_member_costs_no_other(team: Sandbox, field: str) -> None:
    for value in ODD:
        ann, ben = person(ANN, "Ann Lee"), person(BEN, "Ben Oz")
        members = [ann | {field: value}, None, ben]
        days = read(team, "users.list", {"members": members})
        assert days[ENGINEERING].sections[0].text == "said by @Ben Oz"
        assert "ann.lee@example.com" in days[RANDOM].access or field in ("id", "profile")


@pytest.mark.parametrize("value", ODD, ids=str)
def test_an_odd_profile_gives_no_reader_and_no_name(team: Sandbox, value: Any) -> None:
    for field in ("email", "real_name", "display_name"):
        ben = person(BEN, "Ben Oz")
        ben["profile"] |= {field: value}
        days = read(team, "users.list", {"members": [person(ANN, "Ann Lee"), ben]})
        readers = {"restricted", "ann.lee@example.com", "ben.oz@example.com"}
        if field == "email" and isinstance(value, str) and value:
            readers.add(value)
        assert set(days[RANDOM].access) <= readers
        # What is no name gives way to the others that Slack knows of a person.
        named = value if field == "real_name" and isinstance(value, str) and value else "Ben Oz"
        assert days[ENGINEERING].sections[0].text == f"said by @{named}"


@pytest.mark.parametrize("value", ODD, ids=str)
def test_an_odd_member_id_lets_nobody_else_in(team: Sandbox, value: Any) -> None:
    team.workspace.users = [person(ANN, "Ann Lee")]
    team.faults.clear()
    body = {"ok": True, "members": [ANN, value]}
    team.faults.fail("/slack/api/conversations.members", status=200, body=body)
    items = list(impatient_source(team).documents(WINDOW))
    days = [item for item in items if isinstance(item, Document) and RANDOM in item.native_id]
    assert {day.access for day in days} == {("restricted", "ann.lee@example.com")}
