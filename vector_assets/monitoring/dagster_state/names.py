"""Names of assets, jobs, schedules, checks and metadata, spelled once."""

_DOCUMENTS_SUFFIX = "_documents"


def documents_asset(source: str) -> str:
    """Return the name of the asset that holds a source's documents."""
    return source + _DOCUMENTS_SUFFIX


def source_of_asset(name: str) -> str:
    """Return the source whose documents an asset holds."""
    return name.removesuffix(_DOCUMENTS_SUFFIX)


def prune_asset(source: str) -> str:
    """Return the name of the asset that a prune of a source materializes."""
    return f"{source}_prune"


def changes_asset(source: str) -> str:
    """Return the name of the asset of the changes that events tell of a source."""
    return f"{source}_changes"


SCHEDULE = "nightly_ingestion_schedule"
RESCAN_SCHEDULE = "weekly_rescan_schedule"
PRUNE_SCHEDULE = "weekly_prune_schedule"
EXAMINATION_SCHEDULE = "nightly_examination_schedule"
SCHEDULES = (SCHEDULE, EXAMINATION_SCHEDULE, RESCAN_SCHEDULE, PRUNE_SCHEDULE)

CODE_SERVER_AWAY = "DagsterUserCodeUnreachableError"
"""In the text of Dagster's errors when a code server does not answer."""

FRESHNESS_CHECK = "freshness_check"
"""Dagster's name for its checks of freshness."""

FRESHNESS_SENSOR = "freshness_checks_sensor"
"""Evaluates these checks; alerts about late sources come from `freshness_alert_sensor`."""

SENSORS = (
    "missed_partitions_sensor",
    "freshness_alert_sensor",
    "run_failure_alert_sensor",
    FRESHNESS_SENSOR,
)

WATCHED_CHECKS = ("no_failed_documents", "everything_written_is_found", "events_bring_changes")
"""Asset checks whose failure sends an alert; freshness and volume are judged by `health.py`."""

QUALITY_ASSET = "answer_quality"

QUALITY_CHECK = "answers_are_not_worse"
"""The asset check of the nightly examination; its failure is a problem of `health.py`."""

PRUNE_CHECK = "prune_refused_nothing"
"""The asset check of a source's prune."""

NIGHTLY_INGESTION = "nightly_ingestion"
NIGHTLY_EXAMINATION = "nightly_examination"
WEEKLY_RESCAN = "weekly_rescan"
WEEKLY_PRUNE = "weekly_prune"
CHANGES_INGESTION = "changes_ingestion"

CHANGES_SENSOR = "changes_sensor"
"""Launches `changes_ingestion`; there only where events are received or sources are polled."""

POLLING_SENSOR = "polling_sensor"
"""Asks sources for news; there only where `SYNC_EVERY_MINUTES` is set."""

RESCAN_TAG = "rescan"
"""Run tag; with the value `true`, documents that seem unchanged are read again too."""

# Private in Dagster, though its documentation tells users to set them
# (docs.dagster.io, "Partitioning assets" and "Testing partitioned assets", 2026-11).
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
ONE_DAY_TAG = "dagster/partition"

DOCUMENTS = "documents"
"""Number of documents whose last activity was on a day, as the source showed them to the run."""

ROWS = "dagster/partition_row_count"
"""Number of these that the index holds after the run; a name that Dagster knows."""

WRITTEN = "run_written"
"""Ids of the documents that a run wrote, or of a sample of them."""

FAILED_DOCUMENTS = "failed_documents"
"""Number of documents of a day that could not be read, embedded or written."""

FAILURES = "failures"
"""Table of these documents with their causes."""

REDACTED = "redacted_secrets"
"""Number of tokens, keys and passwords that were redacted in a day's documents."""

GAPS = "run_gaps"
"""Table of what a run did not read, and why; written even when it is empty."""

QUARANTINE = "run_quarantine"
"""Table of the quarantine at the end of a run; written only when it is not empty."""

BROUGHT_BY_EVENTS = "run_brought_by_events"
"""Number of documents that events brought since the last night."""

MISSED_BY_EVENTS = "run_missed_by_events"
"""Number of changed documents that only the nightly run found, long after they had changed."""

EVENTS_CHECK = "events_bring_changes"
"""The asset check that fails when events of a source are lost."""
