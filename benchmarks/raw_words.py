"""The words that people wrote, taken from a folder's raw records without any code of the sources.

Yields `(document id, class, text)`: the class says where in the vendor's record the text stands, so
that a loss can be named.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Piece = tuple[str, str, str]

SLACK_NOTICES = {
    "channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name",
}  # fmt: skip
"""Messages that Slack writes by itself when somebody enters a channel or renames it."""

_SLACK_REFERENCE = re.compile(r"<([@#!])([^>|]*)(?:\|([^>]*))?>")
_SLACK_EMOJI = re.compile(r"(?<!\w):[a-z0-9_+'-]+:(?!\w)")
_NAMED_FIELDS = (
    "status", "issuetype", "priority", "resolution", "reporter", "assignee", "components",
    "fixVersions", "versions",
)  # fmt: skip


def pieces(workspace: Path) -> dict[str, Iterator[Piece]]:
    """Return the pieces of text of a folder, by source."""
    return {
        "jira": jira(workspace / "jira"),
        "slack": slack(workspace / "slack"),
        "notion": notion(workspace / "notion"),
        "fireflies": fireflies(workspace / "fireflies"),
    }


def jira(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of issues."""
    for issue in lines(folder / "issues.jsonl"):
        one, fields = f"jira:{issue['id']}", issue["fields"]
        yield one, "key", issue["key"]
        yield one, "summary", fields["summary"]
        for name in ("description", "environment"):
            yield from adf(one, name, fields.get(name))
        for comment in fields["comment"]["comments"]:
            yield one, "comment author", comment["author"]["displayName"]
            yield from adf(one, "comment", comment["body"])
        for name in _NAMED_FIELDS:
            value = fields.get(name) or []
            for each in value if isinstance(value, list) else [value]:
                yield one, name, each.get("displayName") or each.get("name", "")
        yield one, "labels", " ".join(fields.get("labels") or [])
        yield one, "parent", (fields.get("parent") or {}).get("key", "")
        for link in fields.get("issuelinks") or []:
            other = link.get("outwardIssue") or link.get("inwardIssue") or {}
            yield one, "linked issue's key", other.get("key", "")
            yield one, "linked issue's summary", other.get("fields", {}).get("summary", "")


def adf(one: str, name: str, node: Any) -> Iterator[Piece]:
    """Yield what a person reads in a document of Atlassian's format, wherever it is nested."""
    if not node:
        return
    if isinstance(node.get("text"), str):
        yield one, f"{name} text", node["text"]
    attributes = node.get("attrs") or {}
    for attribute in ("text", "url", "title", "shortName"):
        if isinstance(attributes.get(attribute), str):
            yield one, f"{name} {node['type']} {attribute}", attributes[attribute]
    for mark in node.get("marks") or []:
        if href := (mark.get("attrs") or {}).get("href"):
            yield one, f"{name} link", href
    for child in node.get("content") or []:
        yield from adf(one, name, child)


def slack(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of messages, by thread or day."""
    names = {user["id"]: user for user in json.loads((folder / "users.json").read_text())}
    for one, message in slack_messages(folder):
        said = slack_text(message.get("text") or "")
        yield one, "text", _SLACK_EMOJI.sub(" ", said)
        yield one, "emoji", " ".join(_SLACK_EMOJI.findall(said))
        user = names.get(message.get("user"), {})
        yield one, "author", (user.get("profile") or {}).get("real_name") or ""
        yield from slack_blocks(one, message.get("blocks") or [])
        for attachment in message.get("attachments") or []:
            for name in ("text", "title", "pretext", "author_name", "title_link"):
                yield one, f"attachment {name}", slack_text(attachment.get(name) or "")
            if not (attachment.get("text") or attachment.get("title")):
                yield one, "attachment fallback", slack_text(attachment.get("fallback") or "")
        for file in message.get("files") or []:
            yield one, "file", file.get("title") or file.get("name") or ""


def slack_text(text: str) -> str:
    """Return a text without the ids of people and channels, for which names are shown."""
    text = _SLACK_REFERENCE.sub(lambda found: found[3] or "", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def slack_blocks(one: str, node: Any) -> Iterator[Piece]:
    """Yield the words of blocks; pieces of a line may be parts of one word, so they are joined."""
    if isinstance(node, list):
        texts = [part.get("text") for part in node if isinstance(part, dict)]
        yield one, "block text", slack_text("".join(t for t in texts if isinstance(t, str)))
        for part in node:
            yield from slack_blocks(one, part)
    elif isinstance(node, dict):
        if isinstance(node.get("url"), str):
            yield one, "block link", node["url"]
        for inner in node.values():
            if isinstance(inner, list | dict):
                yield from slack_blocks(one, inner)


def slack_messages(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each message with its document: its thread, or its channel's day outside of one."""
    for channel in json.loads((folder / "channels.json").read_text()):
        messages = [
            message
            for path in sorted((folder / channel["name"]).glob("*.json"))
            for message in json.loads(path.read_text())
            if message.get("subtype") not in SLACK_NOTICES
        ]
        sizes = Counter(message.get("thread_ts", message["ts"]) for message in messages)
        for message in messages:
            thread = message.get("thread_ts", message["ts"])
            if thread != message["ts"] or sizes[thread] > 1 or message.get("reply_count"):
                yield f"slack:{channel['id']}:{thread}", message
            else:
                day = datetime.fromtimestamp(float(message["ts"]), UTC).date()
                yield f"slack:{channel['id']}:{day}", message


def notion(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of pages."""
    databases = {one["id"]: one["title"] for one in lines(folder / "databases.jsonl")}
    for page in lines(folder / "pages.jsonl"):
        one = f"notion:{page['id']}"
        yield one, "database", databases.get(page["parent"].get("database_id"), "")
        for name, value in page["properties"].items():
            yield from notion_node(one, f"property {name}", value)
        for block in page["blocks"]:
            yield from notion_node(one, "block", block)


def notion_node(one: str, name: str, node: Any) -> Iterator[Piece]:
    """Yield the words of a block or property; rich text is joined, as its parts may cut a word."""
    if isinstance(node, list):
        parts = [each.get("plain_text", "") for each in node if isinstance(each, dict)]
        yield one, f"{name} text", "".join(parts)
        for each in node:
            yield from notion_node(one, name, each)
    elif isinstance(node, dict):
        if node.get("object") == "block":
            name = str(node["type"])
        for key, value in node.items():
            if isinstance(value, str) and key in (
                "href",
                "url",
                "name",
                "expression",
            ):
                yield one, f"{name} {key}", value
            elif key not in ("text", "annotations"):
                yield from notion_node(one, name, value)


def fireflies(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of meetings."""
    for meeting in lines(folder / "transcripts.jsonl"):
        one = f"fireflies:{meeting['id']}"
        yield one, "title", meeting["title"]
        yield one, "organizer", meeting.get("organizer_email") or ""
        yield one, "participants", " ".join(meeting.get("participants") or [])
        for sentence in meeting.get("sentences") or []:
            yield one, "sentence", sentence.get("text") or ""
            yield one, "speaker", sentence.get("speaker_name") or ""
        for name, value in (meeting.get("summary") or {}).items():
            yield (
                one,
                f"summary {name}",
                " ".join(value) if isinstance(value, list) else value or "",
            )


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as text:
        yield from map(json.loads, text)
