"""Estimate what a sync would cost: documents, tokens, dollars, requests and time.

The source counts its documents. The code of the sync reads, chunks and compares a sample of them,
with an embedder that counts tokens and embeds nothing. Nothing is written.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any

import numpy as np

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, EmbedderAround
from vector_assets.index.generations import build_index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import LiveIndex
from vector_assets.pipeline.extract import BATCH_CHARACTERS, BATCH_DOCUMENTS
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.report import DayStats
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.sources.estimate import WindowEstimate, spread_of_mean
from vector_assets.sources.items import Unchanged
from vector_assets.stores.base import VectorStore

INDEX_REQUESTS_A_BATCH = 7
"""Requests to Pinecone: heads, fingerprints, three writes, two reads; 5.3 to 9.1 were measured."""

TIMED_CHUNKS = 32
"""Chunks that a local model embeds, to measure how long one takes."""

_FREE_REQUESTS_A_DAY = 50


@dataclass(slots=True)
class Estimate:
    """What a sync of one source would cost.

    Attributes:
        requests: Requests by vendor, with those to the index where that is a server.
        seconds_at_least: Time that the vendor's documented rate limits dictate.
        basis: How the number of documents was found: counted, or estimated from which part.
        spread: Two standard errors of `tokens`, as a share of it.
        own_requests: Requests that the estimate itself has made.
    """

    source: str
    first: str
    last: str
    documents: int = 0
    unchanged_documents: int = 0
    chunks: int = 0
    tokens: int = 0
    dollars: float = 0.0
    requests: dict[str, int] = field(default_factory=dict)
    seconds_at_least: float = 0.0
    seconds: float = 0.0
    basis: str = ""
    spread: float = 0.0
    sampled_documents: int = 0
    own_requests: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def request_count(self) -> int:
        """Requests to all vendors."""
        return sum(self.requests.values())


def total_of(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum of the estimates of several sources, which run at the same time."""
    total = Estimate("all", estimates[0].first, estimates[0].last)
    for estimate in estimates:
        for name in ("documents", "unchanged_documents", "chunks", "tokens", "dollars",
                     "sampled_documents", "own_requests"):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(estimate, name))
        total.requests = dict(Counter(total.requests) + Counter(estimate.requests))
    total.seconds_at_least = max(estimate.seconds_at_least for estimate in estimates)
    total.seconds = max(estimate.seconds for estimate in estimates)
    if total.tokens:
        spread_tokens = sum(estimate.spread * estimate.tokens for estimate in estimates)
        total.spread = spread_tokens / total.tokens
    return total


class CountingEmbedder(EmbedderAround):
    """Counts the tokens of its texts as another embedder does, and embeds nothing."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Count the tokens and return vectors of zeros."""
        self.texts += texts
        tokens = sum(map(self.tokenizer.count, texts))
        return Embedded(np.zeros((len(texts), self.dimensions), np.float32), tokens)

    def embed_query(self, text: str) -> Vectors:
        """Return a vector of zeros."""
        return np.zeros(self.dimensions, np.float32)

    def check(self) -> str:
        """Say which model's tokens are counted."""
        return f"counts tokens of {self.identity}"


@dataclass(frozen=True, slots=True)
class _Sample:
    """Documents planned as a sync does; their reading is without the waits for rate limits."""

    plans: list[DayStats]
    characters: int
    requests: Counter[str]
    reading_seconds: float
    planning_seconds: float


def estimate_source(
    name: str,
    days: Days,
    settings: Settings,
    *,
    on_progress: Callable[[str, str], None] = lambda source, line: None,
) -> Estimate:
    """Return what a sync of a source would cost; nothing is written.

    `on_progress` is called with the name of the source and the current step, in words.
    """
    meter = Meter()
    source = build_source(name, settings, meter)
    served = LiveIndex(settings, build_index(settings, meter)).now()
    estimator = _Estimator(source, served.store, served.embedder, meter)
    estimate = estimator.estimate(days, lambda line: on_progress(name, line))
    if settings.vector_store == "pinecone":
        batches = estimate.requests.pop("", 0)
        estimate.requests["pinecone"] = INDEX_REQUESTS_A_BATCH * batches
    estimate.requests.pop("", None)
    if name == "fireflies" and estimate.requests.get(name, 0) > _FREE_REQUESTS_A_DAY:
        estimate.notes.append(
            f"plans below Business allow {_FREE_REQUESTS_A_DAY} requests a day: it takes "
            f"{ceil(estimate.requests[name] / _FREE_REQUESTS_A_DAY)} days on one"
        )
    if served.embedder.provider == "openai" and not served.embedder.dollars_per_million_tokens:
        estimate.notes.append(
            f"the price of {served.embedder.model} is not known here: set "
            f"EMBEDDING_DOLLARS_PER_MILLION_TOKENS"
        )
    return estimate


class _Estimator:
    def __init__(
        self, source: Source, store: VectorStore, embedder: Embedder, meter: Meter
    ) -> None:
        self._source = source
        self._store = store
        self._embedder = embedder
        self._counting = CountingEmbedder(embedder)
        self._meter = meter

    def estimate(self, days: Days, on_progress: Callable[[str], None]) -> Estimate:
        """Return the estimate; its requests hold the number of batches under an empty name."""
        name, kind = self._source.name, IndexSpec.of(self._embedder).vector_spec
        self._source.known = HeldVersions(self._store, name, kind, is_rescan=False)
        window = Window.of_days(
            days.first, days.last, overlap=self._source.overlap, now=datetime.now(UTC)
        )
        on_progress("counting …")
        began, throttled = time.monotonic(), self._meter.throttled_seconds
        in_window = self._source.estimate(window)
        listing_seconds = time.monotonic() - began - (self._meter.throttled_seconds - throttled)
        on_progress(f"reading {in_window.sample_count} of {in_window.documents:,.0f} documents …")
        sample = self._sampled(in_window)
        estimate = Estimate(name, days.first.isoformat(), days.last.isoformat())
        estimate.own_requests = self._asked
        self._add_documents(estimate, in_window, sample)
        self._add_requests(estimate, in_window, sample)
        self._add_seconds(estimate, in_window, sample, listing_seconds)
        return estimate

    @property
    def _asked(self) -> int:
        own = f"{self._source.name} "
        return sum(n for endpoint, n in self._meter.requests.items() if endpoint.startswith(own))

    def _sampled(self, in_window: WindowEstimate) -> _Sample:
        before, began = Counter(self._meter.requests), time.monotonic()
        throttled = self._meter.throttled_seconds
        items = list(in_window.sample)
        documents = [item for item in items if isinstance(item, Document)]
        reading_seconds = time.monotonic() - began - (self._meter.throttled_seconds - throttled)
        requests = Counter(self._meter.requests) - before
        began = time.monotonic()
        plans = self._planned(documents)
        unchanged_count = sum(isinstance(item, Unchanged) for item in items)
        plans += [DayStats(documents=1, unchanged_documents=1)] * unchanged_count
        characters = sum(
            len(section.text) for document in documents for section in document.sections
        )
        planning_seconds = time.monotonic() - began
        return _Sample(plans, characters, requests, max(0.0, reading_seconds), planning_seconds)

    def _planned(self, documents: Iterable[Document]) -> list[DayStats]:
        planner = Planner(self._store, self._source.name, self._counting)
        outcomes: list[Any] = planner.plan(
            list({document.id: document for document in documents}.values())
        )
        return [outcome.stats for outcome in outcomes if isinstance(outcome, DocumentPlan)]

    def _add_documents(
        self, estimate: Estimate, in_window: WindowEstimate, sample: _Sample
    ) -> None:
        share = _scale(in_window)
        tokens = [float(plan.tokens) for plan in sample.plans]
        tokens += [0.0] * (in_window.sample_count - len(tokens))
        estimate.documents = round(share * len(sample.plans))
        estimate.unchanged_documents = round(
            share * sum(plan.unchanged_documents for plan in sample.plans)
        )
        estimate.chunks = round(share * sum(plan.embedded_chunks for plan in sample.plans))
        estimate.tokens = round(share * sum(tokens))
        estimate.dollars = estimate.tokens * self._embedder.dollars_per_million_tokens / 1e6
        estimate.basis = in_window.basis
        estimate.sampled_documents = len(sample.plans)
        # Added up, because both errors may point the same way.
        estimate.spread = in_window.spread + spread_of_mean(tokens, out_of=in_window.documents)

    def _add_requests(self, estimate: Estimate, in_window: WindowEstimate, sample: _Sample) -> None:
        self._by_endpoint: defaultdict[str, float] = defaultdict(float, in_window.requests)
        for endpoint, count in sample.requests.items():
            if endpoint in in_window.scaled:
                self._by_endpoint[endpoint] += count * _scale(in_window)
            elif endpoint not in in_window.ignored and endpoint.startswith(f"{self._source.name} "):
                self._by_endpoint[endpoint] += count
        vendor = ceil(sum(self._by_endpoint.values()))
        batches = self._batches(estimate.documents, sample)
        changed = estimate.documents - estimate.unchanged_documents
        embedding = ceil(batches * changed / max(1, estimate.documents))
        estimate.requests = {self._source.name: vendor} if vendor else {}
        if self._embedder.provider == "openai" and embedding:
            estimate.requests["openai"] = embedding
        estimate.requests[""] = batches

    def _batches(self, documents: int, sample: _Sample) -> int:
        characters = sample.characters / max(1, len(sample.plans))
        # A batch ends after the document that fills it, so it is half a document too large.
        batch_characters = BATCH_CHARACTERS + characters / 2
        return ceil(documents * max(1 / BATCH_DOCUMENTS, characters / batch_characters))

    def _add_seconds(
        self, estimate: Estimate, in_window: WindowEstimate, sample: _Sample, listing_seconds: float
    ) -> None:
        estimate.seconds_at_least = max(
            (
                rate_limit.seconds_for(self._requests_under(endpoint))
                for endpoint, rate_limit in self._source.rate_limits.items()
            ),
            default=0.0,
        )
        reading = listing_seconds + _scale(in_window) * sample.reading_seconds
        planning = _scale(in_window) * sample.planning_seconds
        embedding = estimate.chunks * self._seconds_a_chunk()
        estimate.seconds = max(estimate.seconds_at_least, reading, planning + embedding)

    def _requests_under(self, name: str) -> float:
        return sum(
            count
            for endpoint, count in self._by_endpoint.items()
            if endpoint == name or endpoint.startswith(f"{name} ")
        )

    def _seconds_a_chunk(self) -> float:
        """Return how long a local model takes for a chunk; 0 for a model on a server."""
        texts = self._counting.texts[:TIMED_CHUNKS]
        if self._embedder.provider != "local" or not texts:
            return 0.0
        self._embedder.embed(texts[:1])
        began = time.monotonic()
        self._embedder.embed(texts)
        return (time.monotonic() - began) / len(texts)


def _scale(in_window: WindowEstimate) -> float:
    return in_window.documents / max(1, in_window.sample_count)
