"""What a sync would cost, told beforehand: documents, tokens, dollars, requests and time.

A source counts what it holds (`Source.survey`); some of it is read, cut and compared with the index
by the code of the sync itself, with an embedder that counts and embeds nothing. Nothing is written.
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
from vector_assets.embedding.base import Embedded, Embedder, Tokenizer
from vector_assets.index.generations import build_index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import LiveIndex
from vector_assets.pipeline.extract import BATCH_CHARACTERS, BATCH_DOCUMENTS
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.redaction.redact import redact_document
from vector_assets.pipeline.report import DayStats
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.sources.estimate import Survey, spread_of_mean
from vector_assets.stores.base import VectorStore

INDEX_REQUESTS_A_BATCH = 7
"""Of Pinecone: heads, fingerprints, three writes and two readings; 5.3 to 9.1 were measured."""

TIMED_CHUNKS = 32
"""Chunks that a local model embeds, to tell how long all of them take."""

_FREE_REQUESTS_A_DAY = 50


@dataclass(slots=True)
class Estimate:
    """What a sync of one source would cost.

    Attributes:
        source: Which.
        first: First day, as text.
        last: Last day, as text.
        documents: That the source holds in these days.
        unchanged_documents: Of these, in the index already as they are.
        chunks: To embed.
        tokens: To pay for.
        dollars: What those cost.
        requests: By vendor; to the index too, where that is a server.
        seconds_at_least: That the vendor's documented limits dictate.
        seconds: Of wall time, about.
        basis: How the documents are known: counted, or estimated from what.
        spread: How far off the tokens may be, as a share of them: two standard errors.
        sampled_documents: That were read for it.
        own_requests: That the estimate itself has made.
        notes: What else to know.
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
        """All requests together."""
        return sum(self.requests.values())


def total_of(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum of estimates of some sources, which run side by side."""
    total = Estimate("all", estimates[0].first, estimates[0].last)
    for one in estimates:
        for name in ("documents", "unchanged_documents", "chunks", "tokens", "dollars",
                     "sampled_documents", "own_requests"):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(one, name))
        total.requests = dict(Counter(total.requests) + Counter(one.requests))
    total.seconds_at_least = max(one.seconds_at_least for one in estimates)
    total.seconds = max(one.seconds for one in estimates)
    if total.tokens:
        total.spread = sum(one.spread * one.tokens for one in estimates) / total.tokens
    return total


class CountingEmbedder(Embedder):
    """Stands in for another: counts the tokens of what it is given, and embeds nothing.

    Args:
        embedder: Whose tokens and price count.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.provider = embedder.provider
        self.model = embedder.model
        self.dimensions = embedder.dimensions
        self.chunk_tokens = embedder.chunk_tokens
        self.dollars_per_million_tokens = embedder.dollars_per_million_tokens
        self.texts: list[str] = []

    @property
    def tokenizer(self) -> Tokenizer:
        """That of the model."""
        return self._embedder.tokenizer

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Count the tokens; every vector is zero."""
        self.texts += texts
        tokens = sum(map(self.tokenizer.count, texts))
        return Embedded(np.zeros((len(texts), self.dimensions), np.float32), tokens)

    def embed_query(self, text: str) -> Vectors:
        """Return a vector of zeros."""
        return np.zeros(self.dimensions, np.float32)

    def check(self) -> str:
        """Say whose tokens are counted."""
        return f"counts tokens of {self.identity}"


@dataclass(frozen=True, slots=True)
class _Sample:
    """What became of the documents that were read.

    Attributes:
        plans: What the sync would do with each.
        characters: Of all their texts.
        requests: That reading them made.
        reading_seconds: Waits for rate limits left out.
        planning_seconds: To redact, cut and count them.
    """

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
    """Return what a sync of some days of a source would cost; changes nothing anywhere.

    Args:
        name: Of the source.
        days: That would be synced.
        settings: Name everything.
        on_progress: Called with the source and what is done now, in words.

    Raises:
        SettingsError: A setting that it needs is missing.
        VectorAssetsError: As source and index raise.
    """
    meter = Meter()
    source = build_source(name, settings, meter)
    target = LiveIndex(settings, build_index(settings, meter)).now()
    estimator = _Estimator(source, target.store, target.embedder, meter)
    found = estimator.estimate(days, lambda line: on_progress(name, line))
    if settings.vector_store == "pinecone":
        batches = found.requests.pop("", 0)
        found.requests["pinecone"] = INDEX_REQUESTS_A_BATCH * batches
    found.requests.pop("", None)
    if name == "fireflies" and found.requests.get(name, 0) > _FREE_REQUESTS_A_DAY:
        found.notes.append(
            f"plans below Business allow {_FREE_REQUESTS_A_DAY} requests a day: it takes "
            f"{ceil(found.requests[name] / _FREE_REQUESTS_A_DAY)} days on one"
        )
    if target.embedder.provider == "openai" and not target.embedder.dollars_per_million_tokens:
        found.notes.append(
            f"the price of {target.embedder.model} is not known here: set "
            f"EMBEDDING_DOLLARS_PER_MILLION_TOKENS"
        )
    return found


class _Estimator:
    """Estimates one source; use it once."""

    def __init__(
        self, source: Source, store: VectorStore, embedder: Embedder, meter: Meter
    ) -> None:
        self._source = source
        self._store = store
        self._embedder = embedder
        self._counting = CountingEmbedder(embedder)
        self._meter = meter

    def estimate(self, days: Days, on_progress: Callable[[str], None]) -> Estimate:
        """Return it; requests of the index are told as batches, under an empty name."""
        name, vector_spec = self._source.name, IndexSpec.of(self._embedder).vector_spec
        self._source.known = HeldVersions(self._store, name, vector_spec, is_rescan=False)
        window = Window.of_days(
            days.first, days.last, overlap=self._source.overlap, now=datetime.now(UTC)
        )
        on_progress("counting …")
        began, throttled = time.monotonic(), self._meter.throttled_seconds
        survey = self._source.survey(window)
        listing_seconds = time.monotonic() - began - (self._meter.throttled_seconds - throttled)
        on_progress(f"reading {survey.sample_count} of {survey.documents:,.0f} documents …")
        sample = self._sampled(survey)
        found = Estimate(name, days.first.isoformat(), days.last.isoformat())
        found.own_requests = self._asked
        self._add_documents(found, survey, sample)
        self._add_requests(found, survey, sample)
        self._add_seconds(found, survey, sample, listing_seconds)
        return found

    @property
    def _asked(self) -> int:
        own = f"{self._source.name} "
        return sum(n for endpoint, n in self._meter.requests.items() if endpoint.startswith(own))

    def _sampled(self, survey: Survey) -> _Sample:
        """Read the sample, and plan it as a sync would."""
        before, began = Counter(self._meter.requests), time.monotonic()
        throttled = self._meter.throttled_seconds
        documents = [one for one in survey.sample if isinstance(one, Document)]
        reading_seconds = time.monotonic() - began - (self._meter.throttled_seconds - throttled)
        requests = Counter(self._meter.requests) - before
        began = time.monotonic()
        plans = self._planned(redact_document(one)[0] for one in documents)
        characters = sum(len(part.text) for one in documents for part in one.sections)
        planning_seconds = time.monotonic() - began
        return _Sample(plans, characters, requests, max(0.0, reading_seconds), planning_seconds)

    def _planned(self, documents: Iterable[Document]) -> list[DayStats]:
        planner = Planner(self._store, self._source.name, self._counting)
        outcomes: list[Any] = planner.plan(list({one.id: one for one in documents}.values()))
        return [one.stats for one in outcomes if isinstance(one, DocumentPlan)]

    def _add_documents(self, found: Estimate, survey: Survey, sample: _Sample) -> None:
        picked = max(1, survey.sample_count)
        share = survey.documents / picked
        tokens = [float(one.tokens) for one in sample.plans]
        tokens += [0.0] * (survey.sample_count - len(tokens))
        found.documents = round(share * len(sample.plans))
        found.unchanged_documents = round(share * sum(p.unchanged_documents for p in sample.plans))
        found.chunks = round(share * sum(one.embedded_chunks for one in sample.plans))
        found.tokens = round(share * sum(tokens))
        found.dollars = found.tokens * self._embedder.dollars_per_million_tokens / 1e6
        found.basis = survey.basis
        found.sampled_documents = len(sample.plans)
        # Added, as the count may be off to the same side as the length.
        found.spread = survey.spread + spread_of_mean(tokens, out_of=survey.documents)

    def _add_requests(self, found: Estimate, survey: Survey, sample: _Sample) -> None:
        self._by_endpoint: defaultdict[str, float] = defaultdict(float, survey.requests)
        for endpoint, count in sample.requests.items():
            if endpoint in survey.scaled:
                share = survey.documents / max(1, survey.sample_count)
                self._by_endpoint[endpoint] += count * share
            elif endpoint not in survey.ignored and endpoint.startswith(f"{self._source.name} "):
                self._by_endpoint[endpoint] += count
        vendor = ceil(sum(self._by_endpoint.values()))
        batches = self._batches(found.documents, sample)
        changed = found.documents - found.unchanged_documents
        embedding = ceil(batches * changed / max(1, found.documents))
        found.requests = {self._source.name: vendor} if vendor else {}
        if self._embedder.provider == "openai" and embedding:
            found.requests["openai"] = embedding
        found.requests[""] = batches

    def _batches(self, documents: int, sample: _Sample) -> int:
        characters = sample.characters / max(1, len(sample.plans))
        # The document that fills a batch goes into it whole: by half of one it goes over.
        batch_characters = BATCH_CHARACTERS + characters / 2
        return ceil(documents * max(1 / BATCH_DOCUMENTS, characters / batch_characters))

    def _add_seconds(
        self, found: Estimate, survey: Survey, sample: _Sample, listing_seconds: float
    ) -> None:
        found.seconds_at_least = max(
            (
                allowance.seconds_for(self._requests_under(endpoint))
                for endpoint, allowance in self._source.allowances.items()
            ),
            default=0.0,
        )
        share = survey.documents / max(1, survey.sample_count)
        reading = listing_seconds + share * sample.reading_seconds
        planning = share * sample.planning_seconds
        embedding = found.chunks * self._seconds_a_chunk()
        found.seconds = max(found.seconds_at_least, reading, planning + embedding)

    def _requests_under(self, name: str) -> float:
        return sum(
            count
            for endpoint, count in self._by_endpoint.items()
            if endpoint == name or endpoint.startswith(f"{name} ")
        )

    def _seconds_a_chunk(self) -> float:
        """Return how long a local model takes for a chunk; nothing is asked of a server."""
        texts = self._counting.texts[:TIMED_CHUNKS]
        if self._embedder.provider != "local" or not texts:
            return 0.0
        self._embedder.embed(texts[:1])
        began = time.monotonic()
        self._embedder.embed(texts)
        return (time.monotonic() - began) / len(texts)
