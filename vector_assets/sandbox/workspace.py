"""Loads a team's workspace from a folder of files, in the vendors' own shapes.

The folder is an export: `jira/issues.jsonl`, `slack/` as Slack exports it,
`notion/{pages,databases}.jsonl`, `fireflies/transcripts.jsonl`; each part may be absent. Optional
are `files/`, attachments named by their ids, and `site.json` for what exports lack (see `Site`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

PACKAGED_WORKSPACE = Path(__file__).parent / "sample_workspace"
"""A small made-up workspace for the demo."""

Json = dict[str, Any]


SLACK_SCOPES = (
    "channels:history", "channels:join", "channels:read", "chat:write", "files:read",
    "groups:history", "groups:read", "usergroups:read", "users:read", "users:read.email",
)  # fmt: skip
"""All scopes that the sandbox knows."""


@dataclass
class Site:
    """What an export lacks.

    Attributes:
        jira_time_zone: Of the account's profile; JQL reads dates in it.
        jira_deployment: `deploymentType` of `serverInfo`: `Cloud` or `Server`.
        jira_projects: Keys of projects without issues.
        jira_hidden_projects: Keys of projects that the account may not browse.
        jira_hidden_issue_ids: Issues that the account may not see, though it may browse their
            projects.
        jira_unindexed_issue_ids: Issues that the search does not show yet.
        jira_custom_fields: As "Get fields" shows them.
        jira_redirects_downloads: Whether attachments are elsewhere even for who declines that.
        jira_is_admin: Whether the account administers Jira and may read permissions.
        jira_project_browsers: Who may browse a project, by its id; everyone may browse the others.
        jira_level_holders: Who belongs to a security level, by its id.
        jira_group_members: Users by the id of their group.
        jira_role_actors: Users and groups by `{project id}/{role id}`.
        notion_hidden_page_ids: Shared pages and databases that Notion's search leaves out.
        notion_unshared_ids: Pages and databases that are not shared with the integration.
        notion_capabilities: What the integration may read: `content`, `comments`, `users`.
        notion_markdown_max_blocks: Most blocks of a page that come as Markdown.
        private_channel_ids: Slack channels that only members may read.
        slack_teams: Workspaces, `id` and `name`, of an organisation that the Slack app is installed
            for; empty for an app that is installed in one workspace.
        fireflies_is_admin: Whether the owner of the Fireflies key sees everyone's meetings.
    """

    jira_time_zone: str = "UTC"
    jira_deployment: str = "Cloud"
    jira_projects: list[str] = field(default_factory=list)
    jira_hidden_projects: list[str] = field(default_factory=list)
    jira_hidden_issue_ids: list[str] = field(default_factory=list)
    jira_unindexed_issue_ids: list[str] = field(default_factory=list)
    jira_custom_fields: list[Json] = field(default_factory=list)
    jira_redirects_downloads: bool = False
    jira_is_admin: bool = True
    jira_project_browsers: dict[str, list[Json]] = field(default_factory=dict)
    jira_level_holders: dict[str, list[Json]] = field(default_factory=dict)
    jira_group_members: dict[str, list[Json]] = field(default_factory=dict)
    jira_role_actors: dict[str, list[Json]] = field(default_factory=dict)
    notion_hidden_page_ids: list[str] = field(default_factory=list)
    notion_unshared_ids: list[str] = field(default_factory=list)
    notion_capabilities: list[str] = field(default_factory=lambda: ["content", "comments", "users"])
    notion_newest_version: str = "2026-03-11"
    notion_markdown_max_blocks: int = 20_000
    private_channel_ids: list[str] = field(default_factory=list)
    slack_scopes: list[str] = field(default_factory=lambda: list(SLACK_SCOPES))
    slack_teams: list[Json] = field(default_factory=list)
    fireflies_is_admin: bool = True


@dataclass
class Workspace:
    """Raw records by vendor; tests edit these lists and dictionaries in place.

    Attributes:
        issues: Jira's, REST v3, with all their comments in `fields.comment.comments`.
        channels: Slack channels as in `channels.json`; `is_member: false` keeps the bot out,
            and `is_im: true` makes it a direct message.
        users: As in Slack's `users.json`; `is_stranger: true` is somebody from elsewhere, whom
            only `users.info` shows.
        messages: Slack's by channel id, including replies.
        usergroups: Slack user groups, `id` and `handle`.
        posted_messages: What was sent to `chat.postMessage`, oldest first.
        pages: Notion's; their blocks are nested under `blocks`.
        databases: Notion's, `id` and `title`.
        files: What is in attachments, by their ids at any vendor.
    """

    issues: list[Json] = field(default_factory=list)
    channels: list[Json] = field(default_factory=list)
    users: list[Json] = field(default_factory=list)
    messages: dict[str, list[Json]] = field(default_factory=dict)
    usergroups: list[Json] = field(default_factory=list)
    posted_messages: list[Json] = field(default_factory=list)
    pages: list[Json] = field(default_factory=list)
    databases: list[Json] = field(default_factory=list)
    transcripts: list[Json] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    site: Site = field(default_factory=Site)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder; `FileNotFoundError` if it holds no part of a workspace."""
        channels = _json_list(folder / "slack" / "channels.json")
        workspace = cls(
            issues=list(_json_lines(folder / "jira" / "issues.jsonl")),
            channels=channels,
            users=_json_list(folder / "slack" / "users.json"),
            messages={
                channel["id"]: _messages(folder / "slack" / channel["name"]) for channel in channels
            },
            pages=list(_json_lines(folder / "notion" / "pages.jsonl")),
            databases=list(_json_lines(folder / "notion" / "databases.jsonl")),
            transcripts=list(_json_lines(folder / "fireflies" / "transcripts.jsonl")),
            files={path.name: path.read_bytes() for path in sorted((folder / "files").glob("*"))},
        )
        if (folder / "site.json").exists():
            workspace.site = Site(**json.loads((folder / "site.json").read_text()))
        if not (workspace.issues or workspace.channels or workspace.pages or workspace.transcripts):
            raise FileNotFoundError(
                f"{folder} holds no workspace: wanted jira/issues.jsonl, slack/channels.json, "
                f"notion/pages.jsonl or fireflies/transcripts.jsonl in it"
            )
        return workspace


def _json_lines(path: Path) -> Iterator[Json]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def _json_list(path: Path) -> list[Json]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _messages(folder: Path) -> list[Json]:
    paths = sorted(folder.glob("*.json"))
    messages = [message for path in paths for message in _json_list(path)]
    return sorted(messages, key=lambda message: str(message["ts"]))
