"""Sources and embedder as Dagster resources, and what several steps share.

Connections are made when a run asks for them. The fields of a resource are what the UI shows of
it, and a credential among them is the name of its environment variable; the other settings are a
nested resource.
"""

import os
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import dagster as dg
from pydantic import SecretStr

from vector_assets.core.credentials import register_surroundings, scrub
from vector_assets.core.errors import SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import GivenSettings, Settings, with_values
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.generations import Index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import WriteTarget, embedder_of, write_target
from vector_assets.sources import build_source
from vector_assets.sources.base import Source

PROGRESS_SECONDS = 10.0
"""Between two progress lines in a run's log; each is a row in Dagster's database."""

_Report = TypeVar("_Report")


class SourcesResource(dg.ConfigurableResource[None]):
    """The sources of documents."""

    settings: dg.ResourceDependency[Settings]
    enabled: str = ""
    jira_server: str = ""
    jira_email: str = ""
    jira_api_token: str = ""
    slack_bot_token: str = ""
    notion_token: str = ""
    fireflies_api_key: str = ""
    files_path: str = ""

    def connect(self, name: str, meter: Meter) -> Source:
        """Return a source by name, or raise `SettingsError` with the variables that are not set."""
        settings = shown_and_nested(self)
        _require_variables(settings, name)
        settings.require_credentials(name)
        return build_source(name, settings, meter)


class EmbedderResource(dg.ConfigurableResource[None]):
    """The model that turns text into vectors."""

    settings: dg.ResourceDependency[Settings]
    embedding_provider: str = ""
    embedding_model: str = ""
    openai_base_url: str = ""
    openai_api_key: str = ""

    def connect(self, meter: Meter) -> Embedder:
        """Return the embedder of the settings."""
        return build_embedder(shown_and_nested(self), meter)

    def connect_spec(self, spec: IndexSpec, meter: Meter) -> Embedder:
        """Return the embedder that filled an index."""
        return embedder_of(spec, shown_and_nested(self), meter)


class _Shown(Protocol):
    """A resource over settings, some of which are its own fields."""

    @property
    def settings(self) -> Settings:
        """What is not shown."""
        ...


def shown_and_nested(resource: _Shown) -> Settings:
    """Return the settings of a resource, with its own fields in the place of theirs."""
    register_surroundings()
    settings = resource.settings
    if isinstance(settings, GivenSettings):
        # A variable may hold what is not shown too, such as the address of a vendor.
        settings = settings.with_credentials()
    values = {
        name: value.get_value("") if isinstance(value, dg.EnvVar) else value
        for name in type(settings).model_fields
        if isinstance(value := getattr(resource, name, None), str) and value
    }
    return with_values(settings, {name: value or "" for name, value in values.items()})


def _require_variables(settings: Settings, source: str) -> None:
    """Raise `SettingsError` when a variable that was named for a source is not set.

    No field of it may fall back to its default: a token for one address would go to another.
    """
    variables = settings.variables if isinstance(settings, GivenSettings) else {}
    named = {name for field, name in variables.items() if field.startswith(f"{source}_")}
    if missing := sorted(name for name in named if not os.environ.get(name)):
        raise SettingsError(
            f"{source} needs {', '.join(missing)}: not set. Set them where the run takes place, or "
            f"leave their fields out of the component."
        )


def shown(settings: Settings, *names: str) -> dict[str, str]:
    """Return settings as fields of a resource: what a variable holds as the name of the variable.

    A credential that no variable holds, because a program has given it, is not shown.
    """
    variables = settings.variables if isinstance(settings, GivenSettings) else {}
    fields: dict[str, str] = {}
    for name in names:
        value = getattr(settings, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        is_secret = isinstance(value, SecretStr) or scrub(plain) != plain
        variable = variables.get(name)
        if variable is None and plain and os.environ.get(name.upper()) == plain:
            variable = name.upper()
        if variable is not None:
            fields[name] = dg.EnvVar(variable)
        elif plain and not is_secret:
            fields[name] = plain
    return fields


def open_index(index: Index, embedder: EmbedderResource, meter: Meter) -> WriteTarget:
    """Open the live index for a step; the index decides which embedder is used."""
    return write_target(
        index, embedder.connect(meter), lambda spec: embedder.connect_spec(spec, meter)
    )


def progress_log(
    log: dg.DagsterLogManager, line_of: Callable[[_Report], str]
) -> Callable[[_Report], None]:
    """Return a callback that logs a growing report, at most every `PROGRESS_SECONDS`."""
    logged_at = time.monotonic()

    def on_progress(report: _Report) -> None:
        nonlocal logged_at
        if time.monotonic() - logged_at >= PROGRESS_SECONDS:
            logged_at = time.monotonic()
            log.info(line_of(report))

    return on_progress
