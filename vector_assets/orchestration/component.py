"""A vector index as a component of any Dagster project: YAML in, definitions out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated

import dagster as dg
from dagster.components.resolved.errors import ResolutionException

from vector_assets.core.credentials import scrub
from vector_assets.core.errors import SettingsError
from vector_assets.core.settings import GivenSettings
from vector_assets.monitoring.dagster_state.naming import Naming
from vector_assets.orchestration.code_location import index_definitions

_VARIABLE = re.compile(r"\s*\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}\s*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _secret(context: dg.ResolutionContext, value: object) -> object:
    """Return a reference to the variable of a credential; its value is read in a run."""
    if value is None or value == "":
        return None
    name = _VARIABLE.fullmatch(str(value))
    if name is None:
        # Dagster adds what was written to any other error, and that may be the credential itself.
        raise ResolutionException(
            "a credential of the component is not a reference to an environment variable: write "
            "it as '{{ env.NAME }}', with the name of the variable that holds it"
        )
    return dg.EnvVar(name[1])


def _text(context: dg.ResolutionContext, value: object) -> object:
    """Return a reference to a variable, whose value is then not shown, or a text as it is."""
    if value is None:
        return None
    name = _VARIABLE.fullmatch(str(value))
    if name is not None:
        return dg.EnvVar(name[1])
    resolved = str(context.resolve_value(value, as_type=str))
    if re.search(r"://[^/@\s]+@", resolved):
        raise ResolutionException(
            "an address of the component holds a login, which the UI would show: put the whole "
            "address into an environment variable, and write '{{ env.NAME }}'"
        )
    return scrub(resolved)


Secret = Annotated[
    str | None, dg.Resolver(_secret, model_field_type=str, inject_before_resolve=False)
]
Text = Annotated[str | None, dg.Resolver(_text, model_field_type=str, inject_before_resolve=False)]


@dataclass
class Jira(dg.Resolvable):
    """Jira: `JIRA_…` of the settings."""

    server: Text
    email: Text
    api_token: Secret
    projects: list[str] | None = None
    public_projects: list[str] | None = None


@dataclass
class Slack(dg.Resolvable):
    """Slack: `SLACK_…` of the settings."""

    bot_token: Secret
    channels: list[str] | None = None
    join_public: bool | None = None
    include_bots: bool | None = None
    team_id: str | None = None
    requests_per_minute: float | None = None
    base_url: Text = None


@dataclass
class Notion(dg.Resolvable):
    """Notion: `NOTION_…` of the settings."""

    token: Secret
    base_url: Text = None
    requests_per_second: float | None = None
    comments: bool | None = None


@dataclass
class Fireflies(dg.Resolvable):
    """Fireflies: `FIREFLIES_…` of the settings."""

    api_key: Secret
    url: Text = None


@dataclass
class Files(dg.Resolvable):
    """Files below a folder: `FILES_PATH` of the settings."""

    path: Text


@dataclass
class Sources(dg.Resolvable):
    """The sources that are on: those that are written."""

    jira: Jira | None = None
    slack: Slack | None = None
    notion: Notion | None = None
    fireflies: Fireflies | None = None
    files: Files | None = None


@dataclass
class LanceDB(dg.Resolvable):
    """A folder or an object store; by default `data/<name>/lancedb`."""

    uri: Text = None


@dataclass
class Pinecone(dg.Resolvable):
    """A Pinecone index: `PINECONE_…` of the settings."""

    api_key: Secret
    index: Text
    host: Text = None
    controller_host: Text = None


@dataclass
class Store(dg.Resolvable):
    """Where the vectors are; one of the two."""

    lancedb: LanceDB | None = None
    pinecone: Pinecone | None = None


@dataclass
class Embedder(dg.Resolvable):
    """What turns text into vectors: `EMBEDDING_…` and `OPENAI_…` of the settings."""

    provider: str = "local"
    model_name: str | None = None
    dimensions: int | None = None
    batch: int | None = None
    dollars_per_million_tokens: float | None = None
    api_key: Secret = None
    base_url: Text = None


@dataclass
class Alerts(dg.Resolvable):
    """Where the sensors send alerts, and what the links in them begin with."""

    slack_channel: str | None = None
    slack_bot_token: Secret = None
    webhook_url: Secret = None
    dagster_url: Text = None
    check_seconds: float | None = None


@dataclass
class VectorIndexComponent(dg.Component, dg.Resolvable):
    """A vector index of a team's Jira, Slack, Notion, Fireflies and files, kept fresh.

    Yields assets, checks, jobs, schedules, sensors and resources. It brings no executor, and
    every name that is not an asset's begins with `name`.

    Attributes:
        name: Of this index; two components of a project have different ones.
        key_prefix: Of the asset keys; `[name]` by default.
        group: Of the assets; `name` by default. The prune assets are in `<group>_prune`,
            the external assets that documents come from in `<group>_upstream`.
    """

    name: str = "vector_assets"
    sources: Sources = field(default_factory=Sources)
    store: Store = field(default_factory=Store)
    embedder: Embedder = field(default_factory=Embedder)
    alerts: Alerts = field(default_factory=Alerts)
    key_prefix: list[str] | None = None
    group: str | None = None
    owners: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    nightly_cron: str | None = None
    catch_up_days: int | None = None
    rescan_days: int | None = None
    run_max_hours: float | None = None
    partitions_start: str | None = None
    prune_max_share: float | None = None
    quality_questions: str | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the definitions; no service is asked, and no credential is read.

        Raises:
            SettingsError: A field cannot be read.
        """
        settings = self.settings()
        return index_definitions(settings, settings.vector_assets_sources, self.naming())

    def naming(self) -> Naming:
        """Return the names of this index."""
        if not _NAME.fullmatch(self.name):
            raise SettingsError(
                f"name is {self.name!r}: write letters, digits and underscores, beginning with a "
                f"letter; names of jobs and resources begin with it"
            )
        group = self.group or self.name
        return Naming(
            key_prefix=tuple([self.name] if self.key_prefix is None else self.key_prefix),
            prefix=f"{self.name}_",
            group=group,
            prune_group=f"{group}_prune",
            upstream_group=f"{group}_upstream",
            owners=tuple(self.owners),
            tags=self.tags,
        )

    def settings(self) -> GivenSettings:
        """Return the settings that are written in this component, and nothing else."""
        if self.store.lancedb and self.store.pinecone:
            raise SettingsError("store has lancedb and pinecone: keep one of them")
        values: dict[str, object] = {}
        variables: dict[str, str] = {}
        for name, value in self._fields():
            if isinstance(value, dg.EnvVar):
                variables[name] = value.env_var_name
            elif value is not None:
                values[name] = value
        if not (self.store.pinecone or (self.store.lancedb and self.store.lancedb.uri)):
            values["lancedb_uri"] = f"data/{self.name}/lancedb"
        values["vector_store"] = "pinecone" if self.store.pinecone else "lancedb"
        values["vector_assets_sources"] = tuple(_values(self.sources))
        return GivenSettings.of(values, variables)

    def _fields(self) -> Iterator[tuple[str, object]]:
        """Yield what is written by the name of its setting."""
        for section in (self.sources, self.store):
            for name, part in _values(section).items():
                yield from ((f"{name}_{key}", value) for key, value in _values(part).items())
        for key, value in _values(self.embedder).items():
            service = "openai" if key in ("api_key", "base_url") else "embedding"
            yield f"{service}_{key.removesuffix('_name')}", value
        for key, value in _values(self.alerts).items():
            yield _ALERTS[key], value
        for key in _SCHEDULE:
            yield key, getattr(self, key)


_ALERTS = {
    "slack_channel": "alert_slack_channel",
    "slack_bot_token": "slack_bot_token",
    "webhook_url": "alert_webhook_url",
    "dagster_url": "dagster_graphql_url",
    "check_seconds": "watch_seconds",
}
_SCHEDULE = (
    "nightly_cron", "catch_up_days", "rescan_days", "run_max_hours", "partitions_start",
    "prune_max_share", "quality_questions",
)  # fmt: skip


def _values(section: object) -> Mapping[str, object]:
    """Return the fields of a section that are written."""
    written = {part.name: getattr(section, part.name) for part in fields(section)}  # type: ignore[arg-type]  # a dataclass
    return {name: value for name, value in written.items() if value is not None}
