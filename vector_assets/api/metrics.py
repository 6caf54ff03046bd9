"""The watcher's last look as numbers for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from vector_assets.monitoring.health import Verdict
from vector_assets.monitoring.watcher import Look

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_BY_SOURCE = ("source",)


def metrics_of(look: Look) -> bytes:
    """Return a look in the text format of Prometheus."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"vector_assets_{name}", words, labels, registry=registry)

    health = look.health
    gauge("checked_at_seconds", "When the watcher last looked.").set(health.checked_at.timestamp())
    gauge("fresh", "1 while all is fresh and alive.").set(health.verdict is Verdict.FRESH)
    gauge("problems", "Problems beside freshness, such as a dead daemon.").set(len(health.problems))
    canary = gauge("canary_found_seconds", "When the canary was last found; 0 if it never was.")
    canary.set(health.canary_found_at.timestamp() if health.canary_found_at else 0)
    problem = gauge("problem", "1 for each problem.", ("key",))
    for one in health.problems:
        problem.labels(one.key).set(1)
    heartbeat = gauge("daemon_heartbeat_seconds", "Last sign of life.", ("daemon",))
    for name, at in (health.heartbeats or {}).items():
        if at is not None:
            heartbeat.labels(name).set(at.timestamp())
    verdict = gauge("verdict", "1 for the verdict that a source has.", ("source", "verdict"))
    vectors = gauge("vectors", "Records in the index.", _BY_SOURCE)
    missing = gauge("missing_days", "Days that had to be materialized.", _BY_SOURCE)
    failed = gauge("failed_documents", "Documents that are not in the index.", _BY_SOURCE)
    watermark = gauge("watermark_seconds", "Newest activity in the index.", _BY_SOURCE)
    newest = gauge("newest_at_source_seconds", "Newest activity at the vendor.", _BY_SOURCE)
    lag = gauge("lag_seconds", "How far the index is behind its source.", _BY_SOURCE)
    for source in health.sources:
        for each in Verdict:
            verdict.labels(source.source, each).set(source.verdict is each)
        vectors.labels(source.source).set(source.vectors)
        missing.labels(source.source).set(len(source.missing_days))
        failed.labels(source.source).set(source.failed_documents)
        if source.watermark is not None:
            watermark.labels(source.source).set(source.watermark.timestamp())
        if source.newest_at_source is not None:
            newest.labels(source.source).set(source.newest_at_source.timestamp())
        if source.lag_seconds is not None:
            lag.labels(source.source).set(source.lag_seconds)
    return generate_latest(registry)
