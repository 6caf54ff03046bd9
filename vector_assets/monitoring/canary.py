"""Whether search still finds the document that is written each night."""

from datetime import datetime

from vector_assets.core.errors import VectorAssetsError
from vector_assets.maintenance.canary import CANARY, OLD_AFTER
from vector_assets.monitoring.dagster_state.state import DagsterState
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.problems import Problem


def canary_found(
    probes: Probes, state: DagsterState | None, now: datetime
) -> tuple[datetime | None, tuple[Problem, ...]]:
    """Return when the canary was last found, and a problem if Dagster has run without it."""
    try:
        found_at = probes.canary_found_at()
    except VectorAssetsError:
        # An index that does not answer is reported as a problem of its own.
        return None, ()
    if state is None:
        return found_at, ()
    recorded = (record.recorded_at for asset in state.assets.values() for record in asset.recent)
    since = found_at or min(recorded, default=None)
    if since is None or now - since <= OLD_AFTER:
        return found_at, ()
    never = "was never found, though runs are recorded since"
    last = "was last found at" if found_at else never
    problem = Problem(
        CANARY,
        "The index may not work: search has found no canary for more than a day",
        f"the document that is written and searched each night {last} {since:%Y-%m-%d %H:%M} UTC",
        "Open the asset index_canary and look at its newest run, or run `vector-assets doctor "
        "--canary`.",
        since=since,
    )
    return found_at, (problem,)
