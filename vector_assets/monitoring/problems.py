"""A problem as people are told of it: the type that the watcher and the alerts share."""

from dataclasses import dataclass
from datetime import datetime

from vector_assets.core.credentials import scrub


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know.

    Attributes:
        key: The same as long as it is the same problem, such as `daemon` or `source:jira`.
        headline: What happened, in one line.
        detail: What was seen.
        advice: What to do.
        since: Since when, as far as that can be seen, UTC.
        link: Where to look; empty when there is no such place.
        tell_after_seconds: How long it has to last before people are told: much passes by itself.
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
