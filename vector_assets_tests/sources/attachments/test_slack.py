"""Files of messages the whole way, over real HTTP: from Slack to what people find."""

from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.faults import Rule
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.attachments.reader import SWITCHED_OFF
from vector_assets.sources.base import Missing
from vector_assets.sources.http import requests_retries
from vector_assets.sources.slack.files import HISTORY_ALONE
from vector_assets_tests.sources.attachments import made
from vector_assets_tests.sources.attachments.made import WORD
from vector_assets_tests.sources.attachments.nights import Nights, told
from vector_assets_tests.sources.slack.team import populate, say, source
from vector_assets_tests.support.tiny import utc

FILES = "/slack/files/"
ANN, STRANGER = "ann.lee@example.com", "eve@example.com"


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path) -> Nights:
    populate(sandbox)
    return Nights("slack", sandbox, tmp_path)


def shared(sandbox: Sandbox, name: str, content: bytes, **fields: Any) -> dict[str, Any]:
    """Serve a file, and return how a message shows it."""
    identity = f"F{len(sandbox.workspace.files)}"
    sandbox.workspace.files[identity] = content
    return {
        "id": identity,
        "name": name,
        "title": name,
        "pretty_type": name.rpartition(".")[2].upper(),
        "size": len(content),
        "url_private_download": f"{sandbox.url}{FILES}{identity}/download/{name}",
        **fields,
    }


def downloads(sandbox: Sandbox) -> int:
    return sandbox.faults.requests(FILES).total()


def test_a_message_is_found_by_a_word_in_its_file_and_not_downloaded_twice(
    sandbox: Sandbox, nights: Nights
) -> None:
    files = [
        shared(sandbox, "plan.docx", made.word_document(f"The {WORD} sings")),
        shared(sandbox, "shot.png", made.png(), mimetype="image/png"),
        shared(sandbox, "drive.pdf", b"", is_external=True),
    ]
    say(sandbox, "2026-03-02T10:00", "the plan", files=files)
    parent = say(sandbox, "2026-03-02T11:00", "a thread", reply_count=1)
    report_file = shared(sandbox, "report.txt", b"nightingale")
    say(sandbox, "2026-03-02T11:05", "see report", thread=parent, files=[report_file])
    say(sandbox, "2026-03-02T15:00", "much later")
    report = nights.night()
    text = nights.text_for()
    assert f"The {WORD} sings" in text
    assert "Attachment: plan.docx" in text
    assert "nightingale" in text
    assert report.requests["slack files"] == downloads(sandbox) == 2
    gaps = {"files (PDF)": (HISTORY_ALONE, 1), "images": (HISTORY_ALONE, 1)}
    assert told(report) == gaps

    again = nights.night()
    assert again.total.unchanged_documents == again.total.documents
    assert downloads(sandbox) == 2
    assert told(again) == gaps
    say(sandbox, "2026-03-02T16:00", "one more")
    nights.night()
    assert downloads(sandbox) == 3
    nights.night(is_rescan=True)
    assert downloads(sandbox) == 5
    assert f"The {WORD} sings" in nights.text_for()


def test_a_file_in_a_private_channel_is_for_its_members(sandbox: Sandbox, nights: Nights) -> None:
    sandbox.workspace.site.private_channel_ids = ["C0ENGINEER"]
    say(sandbox, "2026-03-02T10:00", "x", files=[shared(sandbox, "plan.txt", WORD.encode())])
    nights.night()
    assert WORD in nights.text_for(ANN)
    assert WORD not in nights.text_for(STRANGER)
    assert WORD not in nights.text_for()


def test_nothing_is_downloaded_from_other_hosts_nor_of_messages_shared_from_elsewhere(
    sandbox: Sandbox, nights: Nights
) -> None:
    elsewhere = sandbox.url.replace("127.0.0.1", "localhost")
    stolen = shared(sandbox, "a.txt", b"", url_private_download=f"{elsewhere}{FILES}F0/download/a")
    secret = shared(sandbox, "secret.txt", WORD.encode(), pretty_type="Text")
    from_elsewhere = {"files": [secret], "text": "look"}
    say(sandbox, "2026-03-02T10:00", "x", files=[stolen], attachments=[from_elsewhere])
    assert told(nights.night()) == {
        "files (TXT)": ("the download is refused: it is at a host that is not asked", 1),
        "files (Text)": ("they are of messages that were shared from elsewhere", 1),
    }
    assert downloads(sandbox) == 0
    assert WORD not in nights.text_for()


def test_without_the_scope_or_switched_off_files_are_told(sandbox: Sandbox, nights: Nights) -> None:
    say(sandbox, "2026-03-02T10:00", "x", files=[shared(sandbox, "plan.txt", WORD.encode())])
    report = nights.night(read_attachments="false")
    assert told(report) == {"files (TXT)": (SWITCHED_OFF, 1)}
    sandbox.workspace.site.slack_scopes.remove("files:read")
    gaps = told(nights.night())
    assert gaps["files (TXT)"] == ("the bot lacks the scope files:read", 1)
    assert "scope files:read" in gaps
    assert downloads(sandbox) == 0
    assert "File: plan.txt" in nights.text_for()


def test_an_outage_keeps_what_the_index_holds(
    sandbox: Sandbox, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)
    say(sandbox, "2026-03-02T10:00", "x", files=[shared(sandbox, "plan.txt", WORD.encode())])
    nights.night()
    say(sandbox, "2026-03-02T10:30", "later words")
    sandbox.faults.rules.append(Rule(FILES, status=503))
    report = nights.night()
    assert [failure.document_id for failure in report.failures] == ["slack:C0ENGINEER:2026-03-02"]
    assert WORD in nights.text_for()
    sandbox.faults.clear()
    assert nights.night().quarantine == []
    assert "later words" in nights.text_for()


def test_a_file_that_is_deleted_leaves_the_index_though_others_of_its_day_stay(
    sandbox: Sandbox, nights: Nights
) -> None:
    deleted = shared(sandbox, "oops.txt", b"nightjar")
    say(sandbox, "2026-03-02T10:00", "look", files=[deleted])
    say(sandbox, "2026-03-02T11:00", "and", files=[shared(sandbox, "plan.txt", WORD.encode())])
    nights.night()
    assert "nightjar" in nights.text_for()
    # What Slack leaves of a file.
    [message] = [m for m in sandbox.workspace.messages["C0ENGINEER"] if m["text"] == "look"]
    message["files"] = [{"id": deleted["id"], "mode": "tombstone"}]
    nights.night()
    text = nights.text_for()
    assert WORD in text
    assert "nightjar" not in text
    assert "oops.txt" not in text


def test_files_are_read_once_they_may_be_though_their_day_has_not_changed(
    sandbox: Sandbox, nights: Nights
) -> None:
    say(sandbox, "2026-03-02T10:00", "x", files=[shared(sandbox, "plan.txt", WORD.encode())])
    nights.night(read_attachments="false")
    sandbox.workspace.site.slack_scopes.remove("files:read")
    nights.night()
    sandbox.workspace.site.slack_scopes.append("files:read")
    nights.night(attachment_max_bytes="2")
    assert WORD not in nights.text_for()
    nights.night()
    assert WORD in nights.text_for()
    assert downloads(sandbox) == 1


def test_the_probe_of_a_day_with_files_tells_the_stamp_that_a_run_gives_it(
    sandbox: Sandbox,
) -> None:
    populate(sandbox)
    say(sandbox, "2026-03-02T10:00", "x", files=[shared(sandbox, "plan.txt", WORD.encode())])
    say(sandbox, "2026-03-02T11:00", "y", files=[shared(sandbox, "more.txt", b"more")])
    slack = source(sandbox)
    read = slack.documents(Window(utc("2026-03-02"), None))
    [day] = [d for d in read if isinstance(d, Document) and d.native_id.endswith("2026-03-02")]
    assert slack.probe(Missing(day.id, day.container, day.updated_at)).stamp == day.stamp


def test_to_list_and_to_count_documents_downloads_no_file(sandbox: Sandbox) -> None:
    populate(sandbox)
    for day in range(10, 20):
        files = [shared(sandbox, "plan.txt", WORD.encode())]
        say(sandbox, f"2026-03-{day}T10:00", "x", files=files)
    slack, window = source(sandbox), Window(utc("2026-03-01"), None)
    assert sum(":2026-03-1" in str(listed) for listed in slack.ids(window)) == 10
    assert downloads(sandbox) == 0
    estimate = slack.estimate(window)
    assert downloads(sandbox) == 0
    # Ten days and two channels.
    assert estimate.documents == 12
    sampled = list(estimate.sample)
    assert downloads(sandbox) <= len(sampled) == estimate.sample_count < 12
