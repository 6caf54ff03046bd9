"""Asks Dagster about itself: its webserver, or the records in `DAGSTER_HOME` when that is down.

Keep out: either way of asking (`dagster_graphql.py`, `orchestration/records.py`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vector_assets.dagster_graphql import DagsterGraphql
from vector_assets.errors import VectorAssetsError
from vector_assets.incidents import DagsterIncidentStore, FileIncidentStore, IncidentStore
from vector_assets.nights import complete_days
from vector_assets.observation import RECENT_DAYS, Observation
from vector_assets.settings import Settings
from vector_assets.sources import shown_sources

INCIDENTS_FOLDER = Path("data")
"""Where incidents are remembered when there is no Dagster instance at hand."""


def observe(settings: Settings) -> Observation:
    """Return what can be seen of Dagster from here; what cannot is part of the answer.

    Args:
        settings: Say where the webserver is.
    """
    days, shown = complete_days(datetime.now(UTC), RECENT_DAYS), shown_sources(settings)
    try:
        return DagsterGraphql(settings.dagster_graphql_url).observe(shown, days)
    except VectorAssetsError as error:
        webserver_error = str(error)
    with instance_at_hand() as instance:
        if instance is None:
            return Observation(webserver_error=webserver_error)
        from vector_assets.orchestration.records import observe_records

        return observe_records(
            instance, shown_sources(settings), days, webserver_error=webserver_error
        )


def observe_if_any(settings: Settings) -> Observation | None:
    """Return what can be seen of Dagster, or None when nothing says that there is one.

    For a command at a desk, where an index without any Dagster is nothing to complain of.
    """
    found = observe(settings)
    is_seen = found.heartbeats is not None or found.assets
    return found if is_seen or os.environ.get("DAGSTER_HOME") else None


@contextmanager
def instance_at_hand() -> Iterator[Any]:
    """Give the instance of `DAGSTER_HOME`, or None when that is not set.

    Importing Dagster takes two seconds, so that is done only where there is something to read.
    """
    if not os.environ.get("DAGSTER_HOME"):
        yield None
        return
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        yield instance


@contextmanager
def incident_store() -> Iterator[IncidentStore]:
    """Give the memory of what was told: Dagster's storage if it is at hand, else files."""
    with instance_at_hand() as instance:
        if instance is None:
            yield FileIncidentStore(INCIDENTS_FOLDER)
        else:
            yield DagsterIncidentStore(instance.daemon_cursor_storage)
