"""Changes a workspace, one document after the other, and returns the events that tell of it."""

from datetime import datetime
from typing import Any

from vector_assets.sandbox.events import (
    Event,
    fireflies_event,
    jira_event,
    notion_event,
    slack_event,
)
from vector_assets.sandbox.workspace import Workspace

CHANGED_SOURCES = ("jira", "slack", "notion", "fireflies")


def change(workspace: Workspace, number: int, now: datetime, secret: str) -> Event:
    """Change a document of one source, each in turn; return the event that tells of it."""
    source = CHANGED_SOURCES[number % len(CHANGED_SOURCES)]
    words = f"Change number {number}"
    at = now.isoformat(timespec="milliseconds")
    if source == "jira":
        issue = workspace.issues[number % len(workspace.issues)]
        issue["fields"] |= {"summary": words, "updated": at.replace("+00:00", "+0000")}
        return jira_event("jira:issue_updated", {"issue": {"id": issue["id"]}}, secret, now)
    if source == "slack":
        channel_id = sorted(workspace.messages)[number % len(workspace.messages)]
        user = workspace.users[number % len(workspace.users)]["id"]
        message = {"type": "message", "user": user, "text": words, "ts": f"{now.timestamp():.6f}"}
        workspace.messages[channel_id].append(message)
        return slack_event({**message, "channel": channel_id}, secret, now)
    if source == "notion":
        page = workspace.pages[number % len(workspace.pages)]
        page["last_edited_time"] = at.replace("+00:00", "Z")
        title = next(value for value in page["properties"].values() if value["type"] == "title")
        title["title"] = [{"type": "text", "text": {"content": words}, "plain_text": words}]
        return notion_event("page.content_updated", page["id"], secret, now)
    meeting: dict[str, Any] = dict(workspace.transcripts[number % len(workspace.transcripts)])
    meeting |= {"id": f"meeting{number}", "title": words, "date": now.timestamp() * 1000}
    workspace.transcripts.append(meeting)
    return fireflies_event("meeting.transcribed", meeting["id"], secret, now)
