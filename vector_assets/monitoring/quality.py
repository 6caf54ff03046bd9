"""Whether the newest nightly examination says that answers became worse, or is missing."""

from collections.abc import Iterator
from datetime import datetime

from vector_assets.maintenance.canary import OLD_AFTER
from vector_assets.maintenance.quality.record import QUALITY, Outcome, Quality
from vector_assets.monitoring.dagster_state.state import DagsterState
from vector_assets.monitoring.problems import Problem

ADVICE = (
    "`vector-assets quality` examines again and shows the figures. Look at what changed since the "
    "last good night: version, model, runs; `vector-assets verify` compares index and sources."
)


def quality_problems(
    quality: Quality | None, state: DagsterState | None, now: datetime
) -> Iterator[Problem]:
    """Yield a problem if answers are worse, or if Dagster has run without an examination."""
    if quality is None:
        return
    if quality.outcome is Outcome.WORSE:
        yield Problem(
            QUALITY,
            "Answers became worse: the same questions find their documents less often",
            quality.detail,
            ADVICE,
            since=quality.examined_at,
        )
    elif state is not None and now - quality.examined_at > OLD_AFTER:
        yield Problem(
            QUALITY,
            "Nobody knows whether answers became worse: they were not examined for more than a day",
            f"the last examination was at {quality.examined_at:%Y-%m-%d %H:%M} UTC",
            "Open the asset answer_quality and look at its newest run, or run `vector-assets "
            "quality`.",
            since=quality.examined_at,
        )
