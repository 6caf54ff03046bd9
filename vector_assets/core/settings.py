"""The environment and a `.env` file in the working folder, read once into one typed object.

Every variable of the project is a field here, under its own name in lower case.
"""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import load_dotenv
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vector_assets.core import credentials
from vector_assets.core.errors import SettingsError
from vector_assets.core.languages import ENGLISH, TextLanguage
from vector_assets.core.plugins import broken_plugins, plugins

CREDENTIALS_BY_SOURCE = {
    "jira": ("jira_server", "jira_email", "jira_api_token"),
    "slack": ("slack_bot_token",),
    "notion": ("notion_token",),
    "fireflies": ("fireflies_api_key",),
    "files": ("files_path",),
}
"""A source is on when all of these are set, unless `VECTOR_ASSETS_SOURCES` lists the sources."""

_OWNER = re.compile(r"team:\S+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
"""What Dagster takes for an owner (1.13.27)."""

_MIN_SECRET_CHARACTERS = 32

CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings; `docs/settings.md` says what each one means.

    Secrets are `SecretStr`, so that no log or error shows them by accident.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    vector_assets_sources: CommaList = ()

    jira_server: str = ""
    jira_email: str = ""
    jira_api_token: SecretStr = SecretStr("")
    jira_projects: CommaList = ()
    jira_public_projects: CommaList = ()
    jira_webhook_secret: SecretStr = SecretStr("")

    slack_bot_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_channels: CommaList = ()
    slack_join_public: bool = False
    slack_include_bots: bool = False
    slack_team_id: str = ""
    slack_requests_per_minute: float = 50.0
    slack_base_url: str = "https://slack.com/api/"

    notion_token: SecretStr = SecretStr("")
    notion_base_url: str = "https://api.notion.com"
    notion_requests_per_second: float = Field(default=3.0, gt=0)
    notion_comments: bool = True
    notion_webhook_token: SecretStr = SecretStr("")

    fireflies_api_key: SecretStr = SecretStr("")
    fireflies_webhook_secret: SecretStr = SecretStr("")
    fireflies_url: str = "https://api.fireflies.ai/graphql"

    files_path: str = ""
    files_watch: bool = False

    read_attachments: bool = True
    attachment_max_bytes: int = Field(default=10_000_000, ge=1)

    embedding_provider: Literal["openai", "local"] = "local"
    embedding_model: str = ""
    embedding_dimensions: int | None = None
    embedding_batch: int = Field(default=2048, ge=1, le=2048)
    embedding_dollars_per_million_tokens: float | None = Field(default=None, ge=0)
    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = ""

    vector_store: Literal["pinecone", "lancedb"] = "lancedb"
    pinecone_api_key: SecretStr = SecretStr("")
    pinecone_index: str = "vector-assets"
    pinecone_host: str = ""
    pinecone_controller_host: str = ""
    lancedb_uri: str = "data/lancedb"
    text_language: TextLanguage = ENGLISH

    admin_api_key: SecretStr = SecretStr("")
    read_api_key: SecretStr = SecretStr("")
    read_keys: SecretStr = SecretStr("")
    read_keys_file: str = ""
    session_secret: SecretStr = SecretStr("")
    mcp_viewer: str = ""
    mcp_allowed_hosts: CommaList = ()

    alert_slack_channel: str = ""
    alert_webhook_url: SecretStr = SecretStr("")
    heartbeat_url: SecretStr = SecretStr("")

    nightly_cron: str = "0 6 * * *"
    catch_up_days: int = Field(default=14, ge=1)
    sync_every_minutes: float = Field(default=0.0, ge=0)
    run_max_hours: float = Field(default=24.0, gt=0)
    rescan_days: int = Field(default=30, ge=1)
    partitions_start: str = "2024-01-01"
    prune_max_share: float = Field(default=0.2, ge=0, le=1)
    quality_questions: str = ""
    confirm_seconds: float = Field(default=5.0, gt=0, le=45)

    dagster_graphql_url: str = "http://127.0.0.1:3000/graphql"
    dagster_allowed_hosts: CommaList = ()
    dagster_owners: CommaList = ()
    heartbeat_max_age_seconds: float = 180.0
    watch_seconds: float = 60.0

    @field_validator(
        "vector_assets_sources",
        "jira_projects",
        "jira_public_projects",
        "slack_channels",
        "dagster_allowed_hosts",
        "mcp_allowed_hosts",
        "dagster_owners",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("embedding_dimensions", "embedding_dollars_per_million_tokens", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("session_secret")
    @classmethod
    def _is_hard_to_guess(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < _MIN_SECRET_CHARACTERS:
            # Whoever is signed in holds a signature, and may try guesses on it.
            raise ValueError(
                f"it has fewer than {_MIN_SECRET_CHARACTERS} characters: `openssl rand -hex 32` "
                f"makes one that is long enough"
            )
        return secret

    @field_validator("dagster_owners")
    @classmethod
    def _are_owners(cls, owners: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [owner for owner in owners if not _OWNER.fullmatch(owner)]:
            raise ValueError(f"{wrong[0]!r} is no owner: write an e-mail address or team:NAME")
        return owners

    @model_validator(mode="before")
    @classmethod
    def _choose_by_key(cls, values: dict[str, object]) -> dict[str, object]:
        """A key that is set chooses its provider, unless the choice itself is set."""
        if not values.get("embedding_provider"):
            values["embedding_provider"] = "openai" if values.get("openai_api_key") else "local"
        if not values.get("vector_store"):
            values["vector_store"] = "pinecone" if values.get("pinecone_api_key") else "lancedb"
        return values

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        known = (*CREDENTIALS_BY_SOURCE, *plugins())
        # One that cannot be used is told by status and doctor, and must not stop the others.
        accepted = {*known, *(plugin.name for plugin in broken_plugins())}
        for name in self.vector_assets_sources:
            if name not in accepted:
                raise ValueError(
                    f"VECTOR_ASSETS_SOURCES names {name!r}: choose from {', '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _register_credentials(self) -> Self:
        self.register_credentials()
        return self

    def register_credentials(self) -> None:
        """Keep all credentials out of errors and logs of this process."""
        credentials.register(self._credentials())

    def _credentials(self) -> Iterator[str]:
        """Yield all credentials, also in the forms that only the settings can derive."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                secret = value.get_secret_value()
                yield secret
                if name.endswith("_url") and secret:
                    yield from credentials.of_secret_url(secret)
            elif isinstance(value, str) and "://" in value:
                yield from credentials.of_url(value)
        for plugin in plugins().values():
            for secret in plugin.secrets:
                yield secret
                if "://" in secret:
                    yield from credentials.of_secret_url(secret)
        if token := self.jira_api_token.get_secret_value():
            yield credentials.basic(self.jira_email, token)

    def __repr__(self) -> str:
        return credentials.scrub(super().__repr__())

    def __str__(self) -> str:
        return credentials.scrub(super().__str__())

    def with_credentials(self) -> "Settings":
        """Return the settings with every value that is looked up only when it is needed."""
        return self

    @property
    def enabled_sources(self) -> tuple[str, ...]:
        """Names of the sources that are on, ours first."""
        return tuple(
            name
            for name in (*CREDENTIALS_BY_SOURCE, *plugins())
            if (
                name in self.vector_assets_sources
                if self.vector_assets_sources
                else not self.missing_credentials(name)
            )
        )

    @property
    def pushed_sources(self) -> tuple[str, ...]:
        """Names of the sources that are on and whose events are received."""
        secrets: dict[str, SecretStr | bool] = {
            "jira": self.jira_webhook_secret,
            "slack": self.slack_signing_secret or self.slack_app_token,
            "notion": self.notion_webhook_token,
            "fireflies": self.fireflies_webhook_secret,
            "files": self.files_watch,
        }
        return tuple(source for source in self.enabled_sources if secrets.get(source))

    @property
    def polled_sources(self) -> tuple[str, ...]:
        """Names of the sources that are on and asked for news every `sync_every_minutes`.

        Not those whose events are received, and not Slack, which would cost a request a channel.
        """
        if not self.sync_every_minutes:
            return ()
        received = {*self.pushed_sources, "slack"}
        return tuple(source for source in self.enabled_sources if source not in received)

    @property
    def first_day(self) -> date:
        """The first day of the partitions."""
        return first_day_of(self.partitions_start)

    @property
    def dagster_url(self) -> str:
        """Where Dagster's UI is, without a slash at its end, and without a login."""
        url = urlsplit(self.dagster_graphql_url.rstrip("/").removesuffix("/graphql"))
        return url._replace(netloc=url.netloc.rpartition("@")[2], query="").geturl()

    def missing_credentials(self, source: str) -> tuple[str, ...]:
        """Return the variables that a source needs and that are not set."""
        if plugin := plugins().get(source):
            return plugin.missing_variables
        return tuple(
            field.upper()
            for field in CREDENTIALS_BY_SOURCE[source]
            if not _plain(getattr(self, field))
        )

    def variable(self, name: str, default: str = "") -> str:
        """Return an environment variable that the source of another package reads."""
        return os.environ.get(name, "").strip() or default

    def require_credentials(self, source: str) -> None:
        """Raise `SettingsError`, naming each missing variable of a source, if any."""
        missing = self.missing_credentials(source)
        if missing:
            raise SettingsError(
                f"{source} needs {', '.join(missing)}: not set. Set them in the environment or in "
                f"a .env file; `vector-assets doctor` checks them."
            )


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def first_day_of(partitions_start: str) -> date:
    """Return `PARTITIONS_START` as a day, or raise `SettingsError` when it is none."""
    try:
        return date.fromisoformat(partitions_start)
    except ValueError as error:
        raise SettingsError(
            f"PARTITIONS_START is {partitions_start!r}: set it to a day such as 2024-01-01"
        ) from error


class GivenSettings(Settings):
    """Settings of given values only: of the environment, only the named variables are read.

    Attributes:
        variables: By field, the environment variable that holds its value. It is read when a
            process needs the value, not when the settings are made.
    """

    variables: Mapping[str, str] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the environment and every file."""
        return (init_settings,)

    @classmethod
    def of(cls, values: Mapping[str, object], variables: Mapping[str, str]) -> Self:
        """Return settings of these values, or raise `SettingsError`."""
        try:
            return cls.model_validate({**values, "variables": variables})
        except ValidationError as error:
            raise _settings_error(error) from None

    def with_credentials(self) -> Settings:
        """Read the named variables; one that is not set leaves its field empty."""
        return with_values(
            self, {field: os.environ.get(name, "") for field, name in self.variables.items()}
        )


def settings_of(**given: object) -> Settings:
    """Return settings of these values alone, or raise `SettingsError`; no environment is read."""
    return GivenSettings.of(given, {})


def with_values(settings: Settings, values: Mapping[str, str]) -> Settings:
    """Return settings with other values in some fields of text, treated as credentials."""
    fields = type(settings).model_fields
    changed = {
        name: SecretStr(value) if fields[name].annotation is SecretStr else value
        for name, value in values.items()
    }
    copy = settings.model_copy(update=changed)
    copy.register_credentials()
    return copy


def _load_dotenv() -> None:
    """Read the working folder's `.env`, and no other: a parent's may be of another project."""
    path = Path.cwd() / ".env"
    try:
        if path.exists():
            load_dotenv(path, override=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, ValueError) else str(error.strerror)
        raise SettingsError(
            f"{path} cannot be read: {reason}. Make it a text file of NAME=VALUE lines, or move it"
        ) from None


def load_settings() -> Settings:
    """Read the environment, then the working folder's `.env`, or raise `SettingsError`."""
    _load_dotenv()
    credentials.register_surroundings()
    try:
        return Settings()
    except ValidationError as error:
        raise _settings_error(error) from None


def _settings_error(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]).upper() if first["loc"] else ""
    field = Settings.model_fields.get(name.lower())
    is_secret = field is not None and field.annotation is SecretStr
    seen = f" is {first['input']!r}" if name and not is_secret else ""
    reason = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{name}{seen}: {reason}".lstrip(": "))
