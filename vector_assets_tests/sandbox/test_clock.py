"""Moving a workspace in time."""

from datetime import timedelta

from vector_assets.sandbox.clock import move_to_yesterday, newest_activity
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.support.tiny import utc


def test_the_packaged_workspace_ends_yesterday_and_keeps_its_times_of_day() -> None:
    workspace, moved = Workspace.load(PACKAGED_WORKSPACE), Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(moved, utc("2031-07-15T03:00"))
    span = newest_activity(moved) - newest_activity(workspace)
    assert newest_activity(moved).date() == utc("2031-07-14").date()
    assert span % timedelta(days=1) == timedelta(0)
    for before, after in zip(workspace.issues, moved.issues, strict=True):
        assert after["fields"]["created"][11:] == before["fields"]["created"][11:]
        assert after["fields"]["summary"] == before["fields"]["summary"]


def test_a_moved_reply_still_names_its_moved_parent() -> None:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, utc("2031-07-15T03:00"))
    for messages in workspace.messages.values():
        known = {message["ts"] for message in messages}
        assert all(m["thread_ts"] in known for m in messages if "thread_ts" in m)
        assert all(m["latest_reply"] in known for m in messages if "latest_reply" in m)


def test_a_workspace_that_already_ends_yesterday_stays_as_it_is() -> None:
    workspace, same = Workspace.load(PACKAGED_WORKSPACE), Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(same, newest_activity(workspace) + timedelta(days=1))
    assert same == workspace
