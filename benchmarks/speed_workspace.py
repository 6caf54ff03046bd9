"""Makes up the workspace for speed measurements, always with the same words.

A day holds 200 Jira issues with 3 comments each, 2,000 Slack messages in 20 channels, a third of
them in threads, 30 Notion pages of 40 nested blocks, and 8 meetings of 400 sentences. The last day
is yesterday in UTC.
"""

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vector_assets.sandbox.workspace import Workspace

Json = dict[str, Any]

ISSUES, COMMENTS = 200, 3
CHANNELS, MESSAGES, THREAD_MESSAGES = 20, 2_000, 4
PAGES, TOGGLES, BELOW_TOGGLE = 30, 4, 9
MEETINGS, SENTENCES = 8, 400

_THREADS = sum(MESSAGES // CHANNELS // 12 + (place % 3 == 0) for place in range(CHANNELS))
DOCUMENTS = ISSUES + CHANNELS + _THREADS + PAGES + MEETINGS
"""Documents per day; Slack's are its threads, and the other messages of each channel."""

ANN = {"accountId": "a1", "displayName": "Ann Lee", "active": True}
_SYLLABLES = ("ka", "ro", "li", "men", "tu", "sor", "vel", "ip", "dra", "no", "que", "sta")


class Words:
    """Sentences of made-up words."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        vocabulary = random.Random(0)
        self._words = [
            "".join(vocabulary.choices(_SYLLABLES, k=vocabulary.randint(1, 4))) for _ in range(5000)
        ]

    def say(self, count: int) -> str:
        """Return a sentence of so many words."""
        return " ".join(self._random.choices(self._words, k=count)).capitalize() + "."


def build(days: int) -> Workspace:
    """Return a workspace of a number of days, the last of them yesterday."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    workspace = Workspace(
        channels=[
            {"id": f"C{n:09d}", "name": f"channel-{n}", "members": ["U000000001"]}
            for n in range(CHANNELS)
        ],
        users=[
            {
                "id": f"U{n:09d}",
                "name": f"person{n}",
                "profile": {"real_name": f"Person {n}", "email": f"person{n}@example.com"},
            }
            for n in range(50)
        ],
    )
    workspace.messages = {channel["id"]: [] for channel in workspace.channels}
    for back in reversed(range(days)):
        _add_day(workspace, yesterday - timedelta(days=back))
    return workspace


def _add_day(workspace: Workspace, day: date) -> None:
    words = Words(day.isoformat())
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    number = day.toordinal() * ISSUES
    workspace.issues += [
        _issue(number + n, start + timedelta(seconds=400 * n), words) for n in range(ISSUES)
    ]
    for place, messages in enumerate(workspace.messages.values()):
        messages += _messages(place, start, words)
    workspace.pages += [_page(f"{day} {n}", start + timedelta(minutes=40 * n), words)
                        for n in range(PAGES)]  # fmt: skip
    workspace.transcripts += [
        _meeting(f"{day}-{n}", start + timedelta(hours=9 + n), words) for n in range(MEETINGS)
    ]


def _issue(number: int, at: datetime, words: Words) -> Json:
    when = at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return {
        "id": str(number),
        "key": f"HAR-{number}",
        "self": f"https://harbor.example/rest/api/3/issue/{number}",
        "fields": {
            "summary": words.say(8),
            "description": _adf(words.say(40), words.say(40)),
            "environment": None,
            "status": {"id": "1", "name": "In Progress"},
            "issuetype": {"id": "2", "name": "Bug", "subtask": False},
            "priority": {"id": "3", "name": "High"},
            "resolution": None,
            "labels": [],
            "components": [],
            "fixVersions": [],
            "issuelinks": [],
            "reporter": ANN,
            "creator": ANN,
            "assignee": None,
            "created": when,
            "updated": when,
            "project": {"id": "93", "key": "HAR", "name": "Harbour"},
            "comment": {
                "comments": [
                    {
                        "id": f"{number}{n}",
                        "author": ANN,
                        "body": _adf(words.say(30)),
                        "created": when,
                        "updated": when,
                    }
                    for n in range(COMMENTS)
                ]
            },
        },
    }


def _adf(*texts: str) -> Json:
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts]
    return {"type": "doc", "version": 1, "content": content}


def _messages(place: int, start: datetime, words: Words) -> list[Json]:
    """Return a channel's messages of a day; a third of them are in threads of four."""
    count = MESSAGES // CHANNELS
    threads = count // (3 * THREAD_MESSAGES) + (place % 3 == 0)
    messages: list[Json] = []
    parents: list[str] = []
    for n in range(count):
        ts = f"{start.timestamp() + 30 + 860 * n + place:.6f}"
        message = {"type": "message", "user": f"U{n % 50:09d}", "ts": ts, "text": words.say(15)}
        if n < threads:
            parents.append(ts)
        elif n < threads * THREAD_MESSAGES:
            message["thread_ts"] = parents[n % threads]
        messages.append(message)
    return messages


def _page(name: str, at: datetime, words: Words) -> Json:
    page_id = _identity(name)
    when = at.strftime("%Y-%m-%dT%H:%M:00.000Z")
    who = {"object": "user", "id": _identity("Ann")}
    blocks = [
        _block(
            "toggle",
            f"{name} {n}",
            words.say(10),
            [
                _block("paragraph", f"{name} {n} {m}", words.say(25), [])
                for m in range(BELOW_TOGGLE)
            ],
        )
        for n in range(TOGGLES)
    ]
    title = words.say(6)
    return {
        "object": "page",
        "id": page_id,
        "created_time": when,
        "last_edited_time": when,
        "created_by": who,
        "last_edited_by": who,
        "parent": {"type": "workspace", "workspace": True},
        "title": title,
        "url": f"https://www.notion.so/{page_id}",
        "properties": {"title": {"id": "title", "type": "title", "title": [_rich(title)]}},
        "blocks": blocks,
    }


def _block(kind: str, name: str, words: str, children: list[Json]) -> Json:
    body: Json = {"rich_text": [_rich(words)], "color": "default"}
    if children:
        body["children"] = children
    return {
        "object": "block",
        "id": _identity(f"block {name}"),
        "type": kind,
        "has_children": bool(children),
        kind: body,
    }


def _rich(words: str) -> Json:
    marks = dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False)
    return {
        "type": "text",
        "text": {"content": words, "link": None},
        "annotations": {**marks, "color": "default"},
        "plain_text": words,
        "href": None,
    }


def _identity(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def _meeting(name: str, at: datetime, words: Words) -> Json:
    return {
        "id": f"meeting-{name}",
        "title": words.say(5),
        "date": int(at.timestamp() * 1000),
        "duration": 45.0,
        "organizer_email": "person1@example.com",
        "participants": ["person1@example.com", "person2@example.com"],
        "transcript_url": f"https://fireflies.example.com/view/{name}",
        "sentences": [
            {
                "index": n,
                "speaker_id": n // 5 % 4,
                "speaker_name": f"Person {n // 5 % 4}",
                "text": words.say(12),
                "start_time": 6.0 * n,
                "end_time": 6.0 * n + 5,
            }
            for n in range(SENTENCES)
        ],
        "summary": {
            "overview": words.say(40),
            "action_items": words.say(20),
            "keywords": ["crane"],
            "outline": None,
        },
    }
