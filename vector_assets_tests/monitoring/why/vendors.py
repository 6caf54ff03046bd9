"""Puts a document of a given text, day and readers into each vendor of the sandbox."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.fireflies.meetings import epoch_ms, meeting, sentence
from vector_assets_tests.sources.jira.issues import adf, issue, person
from vector_assets_tests.sources.notion.pages import page, paragraph
from vector_assets_tests.sources.slack.team import ENGINEERING, populate, say, ts_of

READER = "ann.lee@example.com"
SECRET_CHANNEL, FOREIGN_CHANNEL = "C0SECRET01", "C0FOREIGN1"
PARTS = 4
"""Paragraphs of a document's text; each becomes a chunk of its own."""


@dataclass(frozen=True)
class Put:
    """A document as a person may name it.

    Attributes:
        names: Its id, its link and its key.
        words: That stand in its text and in no other document.
    """

    source: str
    document_id: str
    names: tuple[str, ...]
    words: str


def prepare(sandbox: Sandbox) -> None:
    """Make the projects, people and channels that documents live in."""
    site = sandbox.workspace.site
    site.jira_level_holders = {"7": [{"type": "user", "value": "ann"}]}
    site.jira_group_members = {"g1": [person("ann", READER)]}
    populate(sandbox)
    sandbox.workspace.channels += [
        {"id": SECRET_CHANNEL, "name": "secret", "members": ["U0ANN0001"]},
        {"id": FOREIGN_CHANNEL, "name": "foreign", "members": ["U0ANN0001"], "is_member": False},
    ]
    site.private_channel_ids.append(SECRET_CHANNEL)


def texts_of(number: int) -> list[str]:
    """Return the paragraphs of a document: no word of its own stands in another document."""
    return [" ".join(f"d{number}w{part}x{word}" for word in range(35)) for part in range(PARTS)]


def put_issue(
    sandbox: Sandbox, number: int, at: datetime, texts: list[str], *, kind: str = ""
) -> Put:
    """Add an issue; of kind `foreign` in a project that is left out, `restricted` with a level."""
    project = "OPS" if kind == "foreign" else "HAR"
    fields = {"security": {"id": "7", "name": "Board"}} if kind == "restricted" else {}
    raw = issue(number, updated=at, project=project, summary=f"Issue d{number}",
                description=adf(*texts), **fields)  # fmt: skip
    sandbox.workspace.issues.append(raw)
    key = f"{project}-{number}"
    link = f"{sandbox.url}/jira/browse/{key}"
    return Put("jira", f"jira:{raw['id']}", (f"jira:{raw['id']}", key, link), texts[0])


def put_thread(
    sandbox: Sandbox, number: int, at: datetime, texts: list[str], *, kind: str = ""
) -> Put:
    """Add a thread; of kind `foreign` in a channel without the bot, `restricted` in a closed."""
    channel = {"foreign": FOREIGN_CHANNEL, "restricted": SECRET_CHANNEL}.get(kind, ENGINEERING)
    # No two messages of a channel have the same time.
    at += timedelta(microseconds=10 * (number % 10_000))
    parent = say(sandbox, _slack(at), texts[0], channel=channel)
    for place, text in enumerate(texts[1:] or texts, 1):
        later = _slack(at + timedelta(minutes=place))
        say(sandbox, later, text, thread=parent, channel=channel)
    document_id = f"slack:{channel}:{parent}"
    link = f"https://acme.slack.com/archives/{channel}/p{parent.replace('.', '')}"
    reply = ts_of(at + timedelta(minutes=1)).replace(".", "")
    of_reply = (
        f"https://acme.slack.com/archives/{channel}/p{reply}?thread_ts={parent}&cid={channel}"
    )
    return Put("slack", document_id, (document_id, link, of_reply), texts[0])


def put_page(
    sandbox: Sandbox, number: int, at: datetime, texts: list[str], *, kind: str = ""
) -> Put:
    """Add a page; of kind `foreign` not shared with the integration."""
    raw = page(f"Page d{number}", *map(paragraph, filter(None, texts)),
               edited=f"{at:%Y-%m-%dT%H:%M}:00.000Z")  # fmt: skip
    sandbox.workspace.pages.append(raw)
    if kind == "foreign":
        sandbox.workspace.site.notion_unshared_ids.append(raw["id"])
    document_id = f"notion:{raw['id']}"
    plain = raw["id"].replace("-", "")
    names = (document_id, f"https://www.notion.so/acme/Page-d{number}-{plain}")
    return Put("notion", document_id, names, texts[0])


def put_meeting(
    sandbox: Sandbox, number: int, at: datetime, texts: list[str], *, kind: str = ""
) -> Put:
    """Add a meeting; of kind `restricted` for those who took part, `unready` without words yet."""
    identity = f"01MEETING{number:09}"
    readers = {"privacy": "teammates"}
    if kind == "restricted":
        readers = {"privacy": "participants", "organizer_email": "", "participants": [READER]}  # type: ignore[dict-item]  # as the vendor has it
    sentences = [sentence(n * 100, text) for n, text in enumerate(texts)]
    raw = meeting(
        number, id=identity, date=epoch_ms(at), title=f"Meeting d{number}", summary={},
        transcript_url=f"https://app.fireflies.ai/view/{identity}",
        sentences=None if kind == "unready" else sentences, **readers,
    )  # fmt: skip
    sandbox.workspace.transcripts.append(raw)
    document_id = f"fireflies:{identity}"
    link = f"https://app.fireflies.ai/view/Meeting-d{number}::{identity}"
    return Put("fireflies", document_id, (document_id, link), texts[0])


def _slack(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")


PUT: dict[str, Callable[..., Put]] = {
    "jira": put_issue,
    "slack": put_thread,
    "notion": put_page,
    "fireflies": put_meeting,
}
