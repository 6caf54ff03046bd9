"""The documented rate of each Slack method, and a rate limiter for each."""

from collections.abc import Mapping
from typing import Any

from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit, RateLimiter

RATES_BY_METHOD: Mapping[str, float] = {
    "auth.teams.list": 20,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.join": 50,
    "conversations.list": 20,
    "conversations.members": 100,
    "conversations.replies": 50,
    "usergroups.list": 20,
    "users.info": 100,
    "users.list": 20,
}
"""Requests a minute that each method allows an app in a workspace at least.

Tiers 2, 3 and 4 (docs.slack.dev/apis/web-api/rate-limits, 2026-11); history and replies are Tier 3
only for an app made for its own workspace.
"""

SECONDS_A_MINUTE = 60.0


def rates_of(requests_per_minute: float) -> Mapping[str, float]:
    """Return the rates with another one for history and replies; none for 0, so nothing waits."""
    if not requests_per_minute:
        return {}
    read_methods = ("conversations.history", "conversations.replies")
    return {**RATES_BY_METHOD, **dict.fromkeys(read_methods, requests_per_minute)}


class RateLimiters(dict[str, RateLimiter]):
    """The rate limiters of a run by method, each made when its method is first called.

    A method without a rate waits for Slack's own answers only. `options` go to each `RateLimiter`.
    """

    def __init__(self, meter: Meter, rates: Mapping[str, float], **options: Any) -> None:
        super().__init__()
        self._meter = meter
        self._rates = rates
        self._options = options

    def __missing__(self, method: str) -> RateLimiter:
        """Make the limiter of a method, the same for all threads."""
        rate = RateLimit(self._rates[method], SECONDS_A_MINUTE) if method in self._rates else None
        limiter = RateLimiter(f"slack {method}", self._meter, rate, **self._options)
        return self.setdefault(method, limiter)
