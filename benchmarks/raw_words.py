"""Extracts the texts that people wrote from raw records, without any code of the sources.

Yields `(document id, place, text)`; the place is where the vendor's record holds the text.
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
"""Messages that Slack itself writes when somebody joins or renames a channel."""

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
    keys = {issue["key"] for issue in lines(folder / "issues.jsonl")}
    for issue in lines(folder / "issues.jsonl"):
        document_id, fields = f"jira:{issue['id']}", issue["fields"]
        yield document_id, "key", issue["key"]
        yield document_id, "summary", fields["summary"]
        for name in ("description", "environment"):
            yield from adf(document_id, name, fields.get(name))
        for comment in fields["comment"]["comments"]:
            yield document_id, "comment author", comment["author"]["displayName"]
            yield from adf(document_id, "comment", comment["body"])
        for name in _NAMED_FIELDS:
            value = fields.get(name) or []
            for person in value if isinstance(value, list) else [value]:
                yield document_id, name, person.get("displayName") or person.get("name", "")
        yield document_id, "labels", " ".join(fields.get("labels") or [])
        yield document_id, "parent", (fields.get("parent") or {}).get("key", "")
        for link in fields.get("issuelinks") or []:
            other = link.get("outwardIssue") or link.get("inwardIssue") or {}
            yield document_id, "linked issue's key", other.get("key", "")
            which = "linked" if other.get("key") in keys else "absent"
            yield (
                document_id,
                f"{which} issue's summary",
                other.get("fields", {}).get("summary", ""),
            )


def adf(document_id: str, name: str, node: Any) -> Iterator[Piece]:
    """Yield the readable texts of an Atlassian document, at any depth."""
    if not node:
        return
    if isinstance(node.get("text"), str):
        yield document_id, f"{name} text", node["text"]
    attributes = node.get("attrs") or {}
    for attribute in ("text", "url", "title", "shortName"):
        if isinstance(attributes.get(attribute), str):
            yield document_id, f"{name} {node['type']} {attribute}", attributes[attribute]
    for mark in node.get("marks") or []:
        if href := (mark.get("attrs") or {}).get("href"):
            yield document_id, f"{name} link", href
    for child in node.get("content") or []:
        yield from adf(document_id, name, child)


def slack(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of messages, by thread or day."""
    names = {user["id"]: user for user in json.loads((folder / "users.json").read_text())}
    for document_id, message in slack_messages(folder):
        said = slack_text(message.get("text") or "")
        yield document_id, "text", _SLACK_EMOJI.sub(" ", said)
        yield document_id, "emoji", " ".join(_SLACK_EMOJI.findall(said))
        user = names.get(message.get("user"), {})
        yield document_id, "author", (user.get("profile") or {}).get("real_name") or ""
        yield from slack_blocks(document_id, message.get("blocks") or [])
        for attachment in message.get("attachments") or []:
            for name in ("text", "title", "pretext", "author_name", "title_link"):
                yield document_id, f"attachment {name}", slack_text(attachment.get(name) or "")
            if not (attachment.get("text") or attachment.get("title")):
                yield (
                    document_id,
                    "attachment fallback",
                    slack_text(attachment.get("fallback") or ""),
                )
        for file in message.get("files") or []:
            yield document_id, "file", file.get("title") or file.get("name") or ""


def slack_text(text: str) -> str:
    """Return a text without the ids of people and channels, which we replace by names."""
    text = _SLACK_REFERENCE.sub(lambda match: match[3] or "", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def slack_blocks(document_id: str, node: Any) -> Iterator[Piece]:
    """Yield the words of blocks; pieces of a line may be parts of one word, so they are joined."""
    if isinstance(node, list):
        texts = [part.get("text") for part in node if isinstance(part, dict)]
        yield document_id, "block text", slack_text("".join(t for t in texts if isinstance(t, str)))
        for part in node:
            yield from slack_blocks(document_id, part)
    elif isinstance(node, dict):
        if isinstance(node.get("url"), str):
            yield document_id, "block link", node["url"]
        for inner in node.values():
            if isinstance(inner, list | dict):
                yield from slack_blocks(document_id, inner)


def slack_messages(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each message with its document: its thread, or its channel's day outside of threads."""
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
    databases = {raw["id"]: raw["title"] for raw in lines(folder / "databases.jsonl")}
    for page in lines(folder / "pages.jsonl"):
        document_id = f"notion:{page['id']}"
        yield document_id, "database", databases.get(page["parent"].get("database_id"), "")
        for name, value in page["properties"].items():
            yield from notion_node(document_id, f"property {name}", value)
        for block in page["blocks"]:
            yield from notion_node(document_id, "block", block)


def notion_node(document_id: str, name: str, node: Any) -> Iterator[Piece]:
    """Yield the words of a block or property; rich text is joined, as its parts may cut a word."""
    if isinstance(node, list):
        parts = [part.get("plain_text", "") for part in node if isinstance(part, dict)]
        yield document_id, f"{name} text", "".join(parts)
        for child in node:
            yield from notion_node(document_id, name, child)
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
                yield document_id, f"{name} {key}", value
            elif key not in ("text", "annotations"):
                yield from notion_node(document_id, name, value)


def fireflies(folder: Path) -> Iterator[Piece]:
    """Yield the pieces of meetings."""
    for meeting in lines(folder / "transcripts.jsonl"):
        document_id = f"fireflies:{meeting['id']}"
        yield document_id, "title", meeting["title"]
        yield document_id, "organizer", meeting.get("organizer_email") or ""
        yield document_id, "participants", " ".join(meeting.get("participants") or [])
        for sentence in meeting.get("sentences") or []:
            yield document_id, "sentence", sentence.get("text") or ""
            yield document_id, "speaker", sentence.get("speaker_name") or ""
        for name, value in (meeting.get("summary") or {}).items():
            yield (
                document_id,
                f"summary {name}",
                " ".join(value) if isinstance(value, list) else value or "",
            )


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as text:
        yield from map(json.loads, text)
