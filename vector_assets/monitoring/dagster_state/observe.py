"""Reads Dagster's state from its webserver, or from `DAGSTER_HOME` when that does not answer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vector_assets.core.days import complete_days
from vector_assets.core.deadline import BoundedCalls
from vector_assets.core.errors import SettingsError, UnavailableError, VectorAssetsError, cause_of
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.state import RECENT_DAYS, DagsterState
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.sources import shown_sources

ANSWER_SECONDS = 60.0
"""How long a check waits for the webserver, and for the database."""

_EXTRAS = {
    "postgres": ("dagster_postgres", ("dagster_postgres", "postgres:")),
    "kubernetes": ("dagster_k8s", ("dagster_k8s",)),
}
"""By extra: the package that it brings, and words of `dagster.yaml` that need it."""

_calls = BoundedCalls(ANSWER_SECONDS)


def observe(settings: Settings, *, recent_days: int = RECENT_DAYS) -> DagsterState:
    """Return Dagster's state, with so many days' records; errors of reading it are part of it.

    There are as many at least as days that may be missing.
    """
    recent_days = max(recent_days, settings.catch_up_days)
    days, shown = complete_days(datetime.now(UTC), recent_days), shown_sources(settings)
    webserver = DagsterGraphql(settings.dagster_graphql_url)
    # Who reads more days must not stop the watcher, nor look like a call of its that hangs.
    kind = f"{recent_days} days"
    try:
        return _calls.call(f"{webserver.url} {kind}", lambda: webserver.observe(shown, days))
    except Exception as error:  # noqa: BLE001 - the records may still tell
        webserver_error = cause_of(error)
    try:
        return _calls.call(
            f"database {kind}", lambda: _observe_records(shown, days, webserver_error)
        )
    except Exception as error:  # noqa: BLE001 - that Dagster cannot be read is told as well
        return DagsterState(webserver_error=webserver_error, database_error=cause_of(error))


def _observe_records(
    sources: Sequence[str], days: Sequence[date], webserver_error: str
) -> DagsterState:
    with configured_instance() as instance:
        if instance is None:
            return DagsterState(webserver_error=webserver_error)
        from vector_assets.monitoring.dagster_state.instance import observe_records

        return observe_records(instance, sources, days, webserver_error=webserver_error)


def observe_if_any(settings: Settings) -> DagsterState | None:
    """Return Dagster's state, or None when no Dagster is set up."""
    state = observe(settings)
    has_answered = state.heartbeats is not None or state.assets
    return state if has_answered or os.environ.get("DAGSTER_HOME") else None


@contextmanager
def configured_instance() -> Iterator[Any]:
    """Yield the instance of `DAGSTER_HOME`, or None, then without importing Dagster (2 s)."""
    if not os.environ.get("DAGSTER_HOME"):
        yield None
        return
    require_packages(Path(os.environ["DAGSTER_HOME"]))
    import dagster as dg

    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    except database_errors() as error:
        # Dagster's message is "too many retries"; its cause names the error.
        message = str(error.__cause__ or error).strip().split("\n")[0][:200]
        raise UnavailableError(
            "Dagster's database",
            message,
            "Start it, or fix the `storage` of dagster.yaml in DAGSTER_HOME.",
        ) from error


def require_packages(home: Path) -> None:
    """Raise `SettingsError` when a folder's `dagster.yaml` needs an extra that is not installed.

    Dagster's own error is a traceback that does not name it.
    """
    configuration = home / "dagster.yaml"
    text = configuration.read_text("utf-8") if configuration.is_file() else ""
    for extra, (package, words) in _EXTRAS.items():
        if any(word in text for word in words) and find_spec(package) is None:
            raise SettingsError(
                f"{configuration} needs {package}: not installed. Run "
                f"`pip install 'vector-assets[{extra}]'`, or change that file."
            )


def opening_errors() -> tuple[type[Exception], ...]:
    """Return what opening an instance, or writing to it, raises for reasons outside of the code."""
    import dagster as dg

    return (*database_errors(), VectorAssetsError, dg.DagsterError, OSError)


def database_errors() -> tuple[type[Exception], ...]:
    """Return what an instance raises when its database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        from dagster_postgres.utils import DagsterPostgresException
    except ImportError:
        return (SQLAlchemyError,)
    return SQLAlchemyError, DagsterPostgresException
