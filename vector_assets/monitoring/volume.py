"""How many documents a day usually has, and from when on few are a reason to look."""

from vector_assets.monitoring.dagster_state.state import AssetHistory

USUAL_AT_LEAST = 5.0
"""With fewer documents per day than this, an empty day is not unusual."""

UNUSUAL_SHARE = 0.1
"""A day with no more than this share of the usual number of documents is reported."""


def usual_documents(history: AssetHistory) -> float | None:
    """Return the usual number of documents for a day like the newest; None if not known.

    The mean of the same weekday if at least two are known, because weekends are quiet; else the
    mean of all recent days if at least three are known.
    """
    if not history.recent:
        return None
    *earlier, newest = history.recent
    weekday = newest.day.weekday()
    same_weekday = [record.documents for record in earlier if record.day.weekday() == weekday]
    if len(same_weekday) >= 2:
        return sum(same_weekday) / len(same_weekday)
    if len(earlier) >= 3:
        return sum(record.documents for record in earlier) / len(earlier)
    return None
