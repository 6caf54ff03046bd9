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


SCHEDULE = "nightly_ingestion_schedule"

RESCAN_SCHEDULE = "weekly_rescan_schedule"

PRUNE_SCHEDULE = "weekly_prune_schedule"

CODE_SERVER_AWAY = "DagsterUserCodeUnreachableError"
"""What Dagster's errors are called when a code server does not answer."""

SENSORS = ("missed_partitions_sensor", "freshness_alert_sensor", "run_failure_alert_sensor")

WATCHED_CHECKS = ("no_failed_documents", "everything_written_is_found")
"""Asset checks that say what nothing else here says; freshness and volume are judged anew."""

PRUNE_CHECK = "prune_refused_nothing"
"""The asset check of a source's prune; told among the source's own."""

NIGHTLY_INGESTION = "nightly_ingestion"

WEEKLY_RESCAN = "weekly_rescan"

WEEKLY_PRUNE = "weekly_prune"

RESCAN_TAG = "rescan"
"""On a run, with the value `true`: also what seems unchanged is read again. By hand, too."""

DOCUMENTS = "documents"
"""Key of the number of documents whose last activity was on a day."""

WRITTEN = "run_written"
"""Key of the ids of documents that a run wrote, or of a sample of them."""

FAILED_DOCUMENTS = "failed_documents"
"""Key of the number of documents of a day that could not be read, embedded or written."""

FAILURES = "failures"
"""Key of the table that names them, with the cause of each."""

REDACTED = "redacted_secrets"
"""Key of the number of tokens, keys and passwords that were replaced in a day's documents."""

GAPS = "run_gaps"
"""Key of the table of what a run did not read, and why; there even when it is empty."""

QUARANTINE = "run_quarantine"
"""Key of the table of what is in quarantine at the end of a run; not there when nothing is."""
