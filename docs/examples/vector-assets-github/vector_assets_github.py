"""Issues of a GitHub repository, by the day of last activity."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import requests

from vector_assets import Document, Section, Source
from vector_assets.core.days import Window
from vector_assets.core.errors import CredentialsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck

PAGE_ISSUES = 100
TIMEOUT_SECONDS = 30.0


class GitHubSource(Source):
    """Reads issues through the REST API, which lists them by their last change."""

    name: ClassVar[str] = "github"
    description: ClassVar[str] = "GitHub issues, by the day of last activity."
    overlap: ClassVar[timedelta] = timedelta(minutes=10)
    required_variables: ClassVar[tuple[str, ...]] = ("GITHUB_REPOSITORY", "GITHUB_TOKEN")
    secret_variables: ClassVar[tuple[str, ...]] = ("GITHUB_TOKEN",)

    def __init__(self, url: str, repository: str, token: str, meter: Meter) -> None:
        self._issues_url = f"{url}/repos/{repository}/issues"
        self._repository = repository
        self._headers = {"Authorization": f"Bearer {token}"}
        self._meter = meter

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from its environment variables, without a request."""
        settings.require_credentials(cls.name)
        url = settings.variable("GITHUB_URL", "https://api.github.com")
        repository = settings.variable("GITHUB_REPOSITORY")
        return cls(url, repository, settings.variable("GITHUB_TOKEN"), meter)

    def documents(self, window: Window) -> Iterator[Document]:
        """Yield the issues whose last change lies in the window."""
        issues, page = self._list(window.start, 1), 1
        while issues:
            documents = [self._document(issue) for issue in issues if "pull_request" not in issue]
            yield from (each for each in documents if each.updated_at in window)
            page += 1
            issues = self._list(window.start, page) if len(issues) == PAGE_ISSUES else []

    def newest(self) -> datetime | None:
        """Return when an issue was changed last."""
        issues = self._list(datetime(1970, 1, 1, tzinfo=UTC), 1, "desc")
        return max((self._document(issue).updated_at for issue in issues), default=None)

    def check(self) -> ConnectionCheck:
        """List issues, to see whether the token may."""
        self._list(datetime.now(UTC), 1)
        return ConnectionCheck(f"the issues of {self._repository}")

    def _list(self, since: datetime, page: int, direction: str = "asc") -> list[dict[str, Any]]:
        self._meter.count("github issues")
        query = {"state": "all", "sort": "updated", "direction": direction, "page": page}
        query |= {"since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": PAGE_ISSUES}
        try:
            answer = requests.get(
                self._issues_url, query, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            raise UnavailableError("github", type(error).__name__) from error
        if answer.status_code in (401, 403, 404):
            seen = f"HTTP {answer.status_code}"
            raise CredentialsError("github", seen, "Check GITHUB_TOKEN and GITHUB_REPOSITORY.")
        if not answer.ok:
            raise UnavailableError("github", f"HTTP {answer.status_code}")
        return list(answer.json())

    def _document(self, issue: dict[str, Any]) -> Document:
        return Document(
            source=self.name,
            native_id=str(issue["id"]),
            title=issue["title"],
            sections=(Section(issue["body"] or ""),),
            url=issue["html_url"],
            container=self._repository,
            authors=(issue["user"]["login"],),
            created_at=datetime.fromisoformat(issue["created_at"]),
            updated_at=datetime.fromisoformat(issue["updated_at"]),
        )
