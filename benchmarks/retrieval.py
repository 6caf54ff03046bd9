"""Measures how well questions find their documents: hit@10 and MRR over `queries.jsonl`, by kind.

Searches all sources of an index with a whole workspace, as `vector-assets find` does. Rankings omit
the question's own document (`exclude_doc_ids`). `benchmarks/real_input.py` makes the index in the
folder that is the default here. Exits 1 when the result is below what this project promises.

    python benchmarks/retrieval.py ../shared/workspace-data [--index data/real_input/lancedb]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.search import find
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter, VectorStore

PROMISED_HIT_AT_10 = 0.83
PROMISED_MRR = 0.63

RANKED_DOCUMENTS = 100
"""Documents below this place count as not found, also in the MRR."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the ids of documents that answer it, and the ids of documents to ignore."""

    kind: str
    text: str
    relevant: frozenset[str]
    excluded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The place of a question's first relevant document, from 1; None if it was not found."""

    kind: str
    place: int | None
    seconds: float

    @property
    def is_hit(self) -> bool:
        """Whether it is among the first ten."""
        return self.place is not None and self.place <= 10

    @property
    def reciprocal_rank(self) -> float:
        """1 for the first place, 1/2 for the second, 0 if not found."""
        return 1 / self.place if self.place else 0.0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--index", default="data/real_input/lancedb", help="URI of a LanceDB")
    parser.add_argument("--embedder", choices=("local", "openai"), default="local")
    options = parser.parse_args()
    settings = Settings(
        vector_store="lancedb", lancedb_uri=options.index, embedding_provider=options.embedder
    )
    store, embedder = build_store(settings, Meter()), build_embedder(settings, Meter())
    questions = list(read_questions(options.workspace, store))
    absent = list(absent_documents(questions, store))
    if absent:
        sys.exit(f"{len(absent)} relevant documents are not in the index: {absent[:5]}")
    embedder.embed_query("warm up")
    outcomes = [ask(question, settings, store, embedder) for question in questions]
    print_table(outcomes)
    if not is_as_promised(outcomes):
        sys.exit(f"promised: hit@10 {PROMISED_HIT_AT_10}, MRR {PROMISED_MRR}")


def read_questions(workspace: Path, store: VectorStore) -> Iterator[Question]:
    """Yield the questions of a workspace, with the index's document ids."""
    channels = json.loads((workspace / "slack" / "channels.json").read_text())
    channel_ids = {channel["name"]: channel["id"] for channel in channels}
    with (workspace / "queries.jsonl").open() as lines:
        for line in lines:
            raw: dict[str, Any] = json.loads(line)
            yield Question(
                raw["kind"],
                raw["query"],
                frozenset(our_id(each["doc_id"], channel_ids, store) for each in raw["relevant"]),
                frozenset(
                    our_id(doc_id, channel_ids, store) for doc_id in raw.get("exclude_doc_ids", ())
                ),
            )


def our_id(their_id: str, channel_ids: Mapping[str, str], store: VectorStore) -> str:
    """Return the id that a document of `queries.jsonl` has in the index."""
    source, _, rest = their_id.partition(":")
    if source == "jira":
        hits = store.lookup(source, where=Filter(issue_key=rest), limit=1)
        return str(hits[0].metadata["document_id"]) if hits else their_id
    if source == "slack":
        channel, _, thread_ts = rest.partition(":")
        return f"{source}:{channel_ids[channel]}:{thread_ts}"
    return their_id


def absent_documents(questions: list[Question], store: VectorStore) -> Iterator[str]:
    """Yield relevant documents that the index does not hold."""
    wanted = {document_id for question in questions for document_id in question.relevant}
    for source in SOURCE_NAMES:
        ids = sorted(document_id for document_id in wanted if document_id.startswith(f"{source}:"))
        yield from sorted(set(ids) - set(store.heads(source, ids)))


def ask(question: Question, settings: Settings, store: VectorStore, embedder: Embedder) -> Outcome:
    """Search all sources for a question."""
    began = time.perf_counter()
    answers = find(
        question.text,
        settings=settings,
        sources=SOURCE_NAMES,
        limit=RANKED_DOCUMENTS,
        store=store,
        embedder=embedder,
    )
    seconds = time.perf_counter() - began
    ranking = [
        answer.document_id
        for answer in answers.answers
        if answer.document_id not in question.excluded
    ]
    places = [n for n, document_id in enumerate(ranking, 1) if document_id in question.relevant]
    return Outcome(question.kind, places[0] if places else None, seconds)


def print_table(outcomes: list[Outcome]) -> None:
    """Print a line for each kind and a line for all questions."""
    print(f"{'kind':26}{'questions':>10}{'hit@10':>9}{'MRR':>9}{'median ms':>11}")
    for kind in [*sorted({outcome.kind for outcome in outcomes}), "all"]:
        of_kind = [outcome for outcome in outcomes if kind in (outcome.kind, "all")]
        hit, mrr = scores(of_kind)
        milliseconds = 1_000 * statistics.median(outcome.seconds for outcome in of_kind)
        print(f"{kind:26}{len(of_kind):>10}{hit:>9.3f}{mrr:>9.3f}{milliseconds:>11.0f}")


def scores(outcomes: list[Outcome]) -> tuple[float, float]:
    """Return hit@10 and MRR."""
    return (
        statistics.fmean(outcome.is_hit for outcome in outcomes),
        statistics.fmean(outcome.reciprocal_rank for outcome in outcomes),
    )


def is_as_promised(outcomes: list[Outcome]) -> bool:
    """Tell whether the result over all questions meets the promised values."""
    hit, mrr = scores(outcomes)
    return hit >= PROMISED_HIT_AT_10 and mrr >= PROMISED_MRR


if __name__ == "__main__":
    main()
