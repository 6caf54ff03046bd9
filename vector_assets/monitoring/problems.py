"""A problem: what the watcher finds and the alerts report."""

from dataclasses import dataclass
from datetime import datetime

from vector_assets.core.credentials import scrub


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know.

    Attributes:
        key: Identifies the problem from check to check, such as `daemon` or `source:jira`.
        since: When it began, UTC; None when not known.
        tell_after_seconds: How long it has to last before an alert is sent.
    """

    key: str
    headline: str
    detail: str
    advice: str
    since: datetime | None = None
    link: str = ""
    tell_after_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ("headline", "detail", "advice", "link"):
            object.__setattr__(self, name, scrub(getattr(self, name)))
