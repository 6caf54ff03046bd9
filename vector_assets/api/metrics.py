"""The watcher's last snapshot as metrics for Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from vector_assets.maintenance.quality.record import Outcome, Quality
from vector_assets.monitoring.health import Health
from vector_assets.monitoring.verdict import Verdict
from vector_assets.monitoring.watcher import Snapshot
from vector_assets.pipeline.arrivals import LAG_BOUNDS_SECONDS

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_BY_SOURCE = ("source",)


def metrics_of(
    snapshot: Snapshot,
    hook_counts: Mapping[tuple[str, str], int] | None = None,
    is_slack_connected: bool | None = None,
) -> bytes:
    """Return a snapshot in the text format of Prometheus.

    Args:
        snapshot: The watcher's last.
        hook_counts: Number of deliveries since the start, by source and event.
        is_slack_connected: Whether Slack's socket is open; None when it is not used.
    """
    registry = CollectorRegistry()

    def gauge(name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"vector_assets_{name}", description, labels, registry=registry)

    health = snapshot.health
    gauge("checked_at_seconds", "When the watcher last checked.").set(health.checked_at.timestamp())
    gauge("fresh", "1 while everything is fresh and running.").set(health.verdict is Verdict.FRESH)
    gauge("problems", "Problems other than freshness, such as a dead daemon.").set(
        len(health.problems)
    )
    canary = gauge("canary_found_seconds", "When search last found the canary; 0 if it never did.")
    canary.set(health.canary_found_at.timestamp() if health.canary_found_at else 0)
    problem = gauge("problem", "1 for each problem.", ("key",))
    for known in health.problems:
        problem.labels(known.key).set(1)
    heartbeat = gauge("daemon_heartbeat_seconds", "Last heartbeat.", ("daemon",))
    for name, at in (health.heartbeats or {}).items():
        if at is not None:
            heartbeat.labels(name).set(at.timestamp())
    if is_slack_connected is not None:
        socket = gauge("slack_socket_connected", "1 while Slack's socket is open.")
        socket.set(is_slack_connected)
    _add_sources(gauge, health)
    _add_quality(gauge, health.quality)
    _add_hooks(registry, hook_counts or {})
    registry.register(_EventLags(health))
    return generate_latest(registry)


def _add_sources(gauge: Callable[..., Gauge], health: Health) -> None:
    verdict = gauge("verdict", "1 for the present verdict of a source.", ("source", "verdict"))
    vectors = gauge("vectors", "Records in the index.", _BY_SOURCE)
    missing = gauge("missing_days", "Days that are due and not materialized.", _BY_SOURCE)
    failed = gauge("failed_documents", "Documents in quarantine.", _BY_SOURCE)
    watermark = gauge("watermark_seconds", "Newest activity in the index.", _BY_SOURCE)
    newest = gauge("newest_at_source_seconds", "Newest activity at the vendor.", _BY_SOURCE)
    waiting = gauge("waiting_changes", "Documents that events said have changed.", _BY_SOURCE)
    lag = gauge("lag_seconds", "How far the index is behind its source.", _BY_SOURCE)
    for source in health.sources:
        for possible in Verdict:
            verdict.labels(source.source, possible).set(source.verdict is possible)
        vectors.labels(source.source).set(source.vectors)
        waiting.labels(source.source).set(source.changes.waiting_count)
        missing.labels(source.source).set(len(source.missing_days))
        failed.labels(source.source).set(source.failed_documents)
        if source.watermark is not None:
            watermark.labels(source.source).set(source.watermark.timestamp())
        if source.newest_at_source is not None:
            newest.labels(source.source).set(source.newest_at_source.timestamp())
        if source.lag_seconds is not None:
            lag.labels(source.source).set(source.lag_seconds)


def _add_quality(gauge: Callable[..., Gauge], quality: Quality | None) -> None:
    if quality is None:
        return
    gauge("examined_seconds", "When the answers were last examined.").set(
        quality.examined_at.timestamp()
    )
    gauge("answers_worse", "1 while the same questions are answered worse than before.").set(
        quality.outcome is Outcome.WORSE
    )
    asked = gauge("answer_questions", "Questions of the newest examination.", _BY_SOURCE)
    first = gauge("answer_hit_at_1", "Share whose document came first.", _BY_SOURCE)
    ten = gauge("answer_hit_at_10", "Share whose document was among the first ten.", _BY_SOURCE)
    mrr = gauge("answer_mrr", "Mean reciprocal rank of the documents.", _BY_SOURCE)
    p95 = gauge("answer_p95_seconds", "Within which 95 % were answered.", _BY_SOURCE)
    for source, scores in quality.groups.items():
        asked.labels(source).set(scores.asked)
        first.labels(source).set(scores.hit_at_1)
        ten.labels(source).set(scores.hit_at_10)
        mrr.labels(source).set(scores.mrr)
        p95.labels(source).set(scores.p95_seconds)


def _add_hooks(registry: CollectorRegistry, counts: Mapping[tuple[str, str], int]) -> None:
    if not counts:
        return
    events = Counter(
        "vector_assets_hook_events", "Deliveries.", ("source", "event"), registry=registry
    )
    for (source, event), count in counts.items():
        events.labels(source, event).inc(count)


class _EventLags(Collector):
    """The lags of events as a histogram for each source that had any."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram."""
        family = HistogramMetricFamily(
            "vector_assets_event_lag_seconds",
            "From a change, as its event dates it, to being found; of a sample of the documents.",
            labels=_BY_SOURCE,
        )
        for source in self._health.sources:
            if (lags := source.changes.lags) is not None:
                bounds = [*map(str, LAG_BOUNDS_SECONDS), "+Inf"]
                buckets = list(zip(bounds, accumulate(lags.counts), strict=True))
                family.add_metric([source.source], buckets, lags.sum_seconds)
        yield family
