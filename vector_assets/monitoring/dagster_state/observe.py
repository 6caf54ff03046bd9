"""Asks Dagster about itself: its webserver, or the records in `DAGSTER_HOME` when that is down."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from vector_assets.core.days import complete_days
from vector_assets.core.errors import UnavailableError, VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.state import RECENT_DAYS, Observation
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.sources import shown_sources


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
    try:
        with instance_at_hand() as instance:
            if instance is None:
                return Observation(webserver_error=webserver_error)
            from vector_assets.monitoring.dagster_state.instance import observe_records

            return observe_records(instance, shown, days, webserver_error=webserver_error)
    except UnavailableError as error:
        return Observation(webserver_error=webserver_error, database_error=str(error))


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

    Raises:
        UnavailableError: The database of its records does not answer.
    """
    if not os.environ.get("DAGSTER_HOME"):
        yield None
        return
    import dagster as dg

    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    except database_errors() as error:
        # Dagster says "too many retries"; the cause says of what.
        words = str(error.__cause__ or error).strip().split("\n")[0][:200]
        raise UnavailableError(
            "the database of Dagster's records",
            words,
            "Start it, or mend the `storage` of dagster.yaml in DAGSTER_HOME.",
        ) from error


def database_errors() -> tuple[type[Exception], ...]:
    """Return what an instance raises when its database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        from dagster_postgres.utils import DagsterPostgresException
    except ImportError:
        return (SQLAlchemyError,)
    return SQLAlchemyError, DagsterPostgresException
