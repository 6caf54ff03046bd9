"""A small team's week behind the page: hostile texts, restricted documents, keys of each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.read_keys import ANY_VIEWER, PUBLIC_ONLY, VIEWER, KeyFile, new_key
from vector_assets.core.settings import Settings
from vector_assets.index.targets import IndexOpener
from vector_assets.monitoring.watcher import Watcher
from vector_assets.pipeline.sync import Pipeline, sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources.items import DocumentFailure
from vector_assets_tests.api.test_app import served
from vector_assets_tests.support.tiny import ListSource, document

ANN, BOB = "ann@example.com", "bob@example.com"
MISSING_PLACE = 36
SECRET = "signing-secret-of-the-tests-0123456789"
SCRIPT = "<script>alert('slack')</script> <img src=x onerror=alert(2)>"
TITLE = "<script>alert('notion')</script> runbook"
BAD_LINKS = (
    "hostile zeppelin [press me](javascript:alert(3)) <javascript:alert(4)> "
    "[data](data:text/html,<script>alert(5)</script>) [ours](/sign-out) "
    "[good](https://example.com/page?a=1&b=2) ![pixel](https://example.com/pixel.png)"
)
RESTRICTED_TITLE = "Zephyrine severance plan"
RESTRICTED_ID = "notion:zephyrine"
FAILED_ID = "notion:zephyrine-annex"
FAILED_CAUSE = "the zephyrine annex is `too long`"
PRIVATE_CHANNEL = "#zephyrine-war-room"


@dataclass
class Office:
    """Where the page is, and the keys by name."""

    url: str
    watcher: Watcher
    settings: Settings
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)


def hostile_week(now: datetime) -> Workspace:
    """Return the packaged workspace, with a script in a message and in a title."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    channel = next(each for each in workspace.channels if each["name"] == "engineering")
    newest = max(workspace.messages[channel["id"]], key=lambda message: float(message["ts"]))
    escaped = SCRIPT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    message = {"type": "message", "user": newest["user"], "text": f"xylophone {escaped}",
               "ts": f"{float(newest['ts']) + 60:.6f}"}  # fmt: skip
    workspace.messages[channel["id"]].append(message)
    page = workspace.pages[0]
    page["title"] = TITLE
    [run] = page["properties"]["title"]["title"]
    run["plain_text"] = run["text"]["content"] = TITLE
    return workspace


def _write(settings: Settings, now: datetime) -> None:
    """Add documents whose readers and links the tests choose."""
    yesterday = Days.newest(1, now)
    [day] = yesterday
    at = f"{day}T10:00"
    lister = ListSource(
        [
            document("hostile", BAD_LINKS, source="notion", url="javascript:alert(6)", extra={},
                     title="Hostile zeppelin", updated_at=at),
            document("zephyrine", "The zephyrine plan of the crane team.", source="notion",
                     title=RESTRICTED_TITLE, access=("restricted", ANN), extra={}, updated_at=at,
                     url="https://example.com/zephyrine"),
            DocumentFailure(FAILED_ID, FAILED_CAUSE, day),
        ]
    )  # fmt: skip
    lister.name = "notion"  # type: ignore[misc]  # one class for all names
    meter = Meter()
    Pipeline(source=lister, target=IndexOpener(settings).target(meter), meter=meter).run(yesterday)


def record_days(now: datetime) -> None:
    """Record 40 days of Slack in the instance of DAGSTER_HOME: one is missing, two are not read."""
    gaps = [
        {"subject": PRIVATE_CHANNEL, "reason": "the bot is no member", "advice": "invite it",
         "count": 1, "is_private": True},
        {"subject": "bot messages", "reason": "they are left out", "advice": "SLACK_INCLUDE_BOTS",
         "count": 7, "is_private": False},
    ]  # fmt: skip
    days = Days.newest(40, now)
    with dg.DagsterInstance.get() as instance:
        for place, day in enumerate(sorted(days)):
            if place == MISSING_PLACE:
                continue
            metadata = {"documents": (place * 7) % 23, "failed_documents": 0}
            table = dg.MetadataValue.table([dg.TableRecord(gap) for gap in gaps])
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    "slack_documents", partition=str(day), metadata={**metadata, "run_gaps": table}
                )
            )


@contextmanager
def opened(folder: Path, **changed: Any) -> Iterator[Office]:
    """Serve the office until the block ends; with records of Dagster in the same folder."""
    (folder / "dagster").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        with _served(folder, changed) as office:
            yield office


@contextmanager
def _served(folder: Path, changed: dict[str, Any]) -> Iterator[Office]:
    now = datetime.now(UTC)
    with running_sandbox(hostile_week(now)) as sandbox:
        settings = Settings.model_validate(
            {
                **{name.lower(): value for name, value in sandbox.environment.items()},
                "vector_store": "lancedb",
                "lancedb_uri": str(folder / "index"),
                "read_api_key": "reading-key",
                "read_keys_file": str(folder / "read-keys"),
                "session_secret": SECRET,
                "dagster_graphql_url": "http://127.0.0.1:9/graphql",
                "watch_seconds": 5,
                # A watcher that has just started waits this long before it reports a dead daemon.
                "heartbeat_max_age_seconds": 0,
                **changed,
            }
        )
        for source in settings.enabled_sources:
            sync_source(source, Days.newest(7, now), settings)
        _write(settings, now)
        keys = {"shared": "reading-key"}
        made: list[tuple[str, str, dict[str, Any]]] = [
            ("ann", VIEWER, {"viewer": ANN}),
            ("bob", VIEWER, {"viewer": BOB}),
            ("backend", ANY_VIEWER, {}),
            ("public", PUBLIC_ONLY, {}),
        ]
        for name, binding, bound in made:
            keys[name], key = new_key(name, binding, now.date(), **bound)
            KeyFile(settings.read_keys_file).add(key)
        record_days(now)
        with served(settings, folder) as (url, watcher):
            yield Office(url, watcher, settings, folder, keys)
