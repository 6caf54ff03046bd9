"""One meeting asked for by id, and the links that people paste."""

from datetime import UTC, datetime, timedelta

import pytest

from vector_assets.core.errors import ContractError
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.fireflies.document import stamp_of
from vector_assets.sources.fireflies.source import FirefliesSource
from vector_assets_tests.sources.fireflies.meetings import (
    EVER,
    FIRST,
    PATH,
    Json,
    epoch_ms,
    meeting,
    source,
)


def probe(fireflies: FirefliesSource, number: int = 1) -> Probed:
    return fireflies.probe(Missing(f"fireflies:meeting-{number}", "Meetings", FIRST))


def test_a_meeting_tells_its_start_and_the_stamp_of_its_readers(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(1)]
    fireflies = source(sandbox)
    [document] = [item for item in fireflies.documents(EVER) if hasattr(item, "stamp")]
    sandbox.faults.log.clear()
    probed = probe(fireflies)
    assert probed.state is RemoteState.THERE
    assert (probed.updated_at, probed.stamp) == (document.updated_at, document.stamp)
    sandbox.workspace.transcripts[0]["privacy"] = "owner"
    assert probe(fireflies).stamp == stamp_of(sandbox.workspace.transcripts[0]) != probed.stamp
    assert sandbox.faults.requests() == {f"POST {PATH}": 2}


@pytest.mark.parametrize(
    ("is_admin", "state"), [(True, RemoteState.DELETED), (False, RemoteState.UNSURE)]
)
def test_a_meeting_that_is_not_shown_was_deleted_only_if_an_admin_asks(
    sandbox: Sandbox, is_admin: bool, state: RemoteState
) -> None:
    sandbox.workspace.transcripts = [meeting(1, privacy="owner")] if not is_admin else []
    sandbox.workspace.site.fireflies_is_admin = is_admin
    fireflies = source(sandbox)
    assert [probe(fireflies).state for _ in range(3)] == [state] * 3
    assert sandbox.faults.requests().total() == 3 + 1


@pytest.mark.parametrize(
    ("fields", "left_out", "advice"),
    [
        ({"sentences": None}, "it has no transcript yet", "nightly runs"),
        (
            {"sentences": None, "meeting_info": {"silent_meeting": True}},
            "nothing was said in it",
            "sync fireflies",
        ),
        ({"is_live": True}, "it is still going on", "nightly runs"),
    ],
)
def test_a_meeting_that_no_run_reads_says_why(
    sandbox: Sandbox, fields: Json, left_out: str, advice: str
) -> None:
    began = datetime.now(UTC) - timedelta(hours=3)
    sandbox.workspace.transcripts = [meeting(1, date=epoch_ms(began), **fields)]
    probed = probe(source(sandbox))
    assert (probed.state, probed.left_out) == (RemoteState.THERE, left_out)
    assert advice in probed.advice


@pytest.mark.parametrize("transcript", [None, [], {"id": "meeting-2"}, "meeting-1"])
def test_only_the_documented_error_says_that_a_meeting_is_gone(
    sandbox: Sandbox, transcript: object
) -> None:
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcript": transcript}})
    with pytest.raises(ContractError, match="neither it nor an error"):
        probe(source(sandbox))


APP = "https://app.fireflies.ai"
ID = "01J8Z3K4M5N6P7Q8R9S0T1V2W3"


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        (f"fireflies:{ID}", f"fireflies:{ID}"),
        ("fireflies:ASxwZxCstx", "fireflies:ASxwZxCstx"),
        (ID, f"fireflies:{ID}"),
        (f"{APP}/view/{ID}", f"fireflies:{ID}"),
        (f"{APP}/view/{ID}/?ref=recap", f"fireflies:{ID}"),
        (f"{APP}/view/Weekly-Sync::{ID}?channelSource=mine", f"fireflies:{ID}"),
        (f"{APP}/view/A%3A%3AB-Sync::ASxwZxCstx", "fireflies:ASxwZxCstx"),
        (f"{APP}/notebook/all", None),
        (f"https://example.com/view/{ID}", None),
        ("fireflies:", None),
        ("fireflies:a b", None),
        ("meeting-1", None),
        ("", None),
    ],
)
def test_a_link_or_an_id_names_a_meeting(text: str, document_id: str | None) -> None:
    assert FirefliesSource.document_id_of(text) == document_id
