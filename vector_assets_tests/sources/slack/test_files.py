"""The words of files that history itself carries."""

from typing import Any

import pytest

from vector_assets.sources.slack.blocks import message_text
from vector_assets.sources.slack.files import unread_kind
from vector_assets_tests.sources.slack.test_mrkdwn import FewNames

EMAIL = {"filetype": "email", "name": "Fwd: Contract", "title": "Fwd: Contract"}
LOG = {"mode": "snippet", "name": "err.log", "title": "err.log"}
AUDIO = {"name": "audio_message.m4a", "subtype": "slack_audio", "mimetype": "audio/mp4"}


def spoken(content: str, *, has_more: bool = False) -> dict[str, Any]:
    return {"status": "complete", "preview": {"content": content, "has_more": has_more}}


@pytest.mark.parametrize(
    ("file", "words", "unread"),
    [
        (
            {**EMAIL, "subject": "Fwd: Contract", "plain_text": "please sign", "preview": "<p>"},
            "File: Fwd: Contract\nplease sign",
            "",
        ),
        (
            {**EMAIL, "subject": "Other", "preview_plain_text": "please …", "preview": "<p>"},
            "File: Fwd: Contract\nOther\nplease …",
            "files of which history holds the beginning",
        ),
        (
            {
                **EMAIL,
                "plain_text": "please",
                "from": [{"name": "Eve Park", "address": "e@x.io"}, {"address": "sam@x.io"}, None],
            },
            "File: Fwd: Contract\nFrom: Eve Park, sam@x.io\nplease",
            "",
        ),
        ({**EMAIL, "preview": "<p>please</p>"}, "File: Fwd: Contract", "files (email)"),
        ({**LOG, "preview": "KeyError 'sku'"}, "File: err.log\n```\nKeyError 'sku'\n```", ""),
        (
            {**LOG, "preview": "KeyError", "lines_more": 7},
            "File: err.log\n```\nKeyError\n```",
            "files of which history holds the beginning",
        ),
        (
            {**AUDIO, "transcription": spoken("the deploy is stuck")},
            "File: audio_message.m4a\nthe deploy is stuck",
            "",
        ),
        (
            {**AUDIO, "transcription": spoken("the deploy", has_more=True)},
            "File: audio_message.m4a\nthe deploy",
            "files of which history holds the beginning",
        ),
        (
            {**AUDIO, "transcription": {"status": "processing"}},
            "File: audio_message.m4a",
            "audio files",
        ),
        (
            {"name": "x.png", "mimetype": "image/png", "alt_txt": "The stairs"},
            "File: x.png\nThe stairs",
            "images",
        ),
        (
            {"name": "x.txt", "filetype": "text", "preview": None, "plain_text": "all of it"},
            "File: x.txt\nall of it",
            "",
        ),
        (
            {"name": "x", "filetype": "zip", "initial_comment": {"comment": "for <@U1>"}},
            "File: x\nfor @Ann Lee",
            "files (zip)",
        ),
        ({"name": "Plan", "mode": "canvas"}, "File: Plan", "canvases"),
        ({"name": "Todo", "mode": "list"}, "File: Todo", "lists"),
        ({"id": "F1", "file_access": "check_file_info"}, "", "other files"),
        ({"id": "F1", "mode": "tombstone"}, "", ""),
    ],
)
def test_a_file_tells_its_name_and_its_words_and_what_is_left_out(
    file: dict[str, Any], words: str, unread: str
) -> None:
    assert message_text({"text": "", "files": [file]}, FewNames()) == words
    assert message_text({"attachments": [{"files": [file]}]}, FewNames()) == words
    assert unread_kind(file) == unread
