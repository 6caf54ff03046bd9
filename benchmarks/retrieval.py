"""Measures how well questions find their documents: hit@1, hit@10 and MRR, with 95 % intervals.

Two sets of questions: those of a workspace's `queries.jsonl`, asked of the workspace without what
gives them away (`clean_workspace.py`), and a few words of a known document (`known_items.py`).
Questions about parallel meetings of the AMI corpus name none of them, so that most cannot be
decided; they are a line of their own. All sources are searched, as by `vector-assets find`;
rankings omit the question's own document. Exits 1 below what this project promises.

    python benchmarks/retrieval.py ../shared/workspace-data [--folder data/retrieval]
"""

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clean_workspace import copy_clean
from known_items import known_items

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.ranking import FITS_FROM
from vector_assets.index.search import find
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter, IndexStore, VectorStore

PROMISED = {"hit@1": 0.60, "hit@10": 0.855, "MRR": 0.69}
"""Of the workspace's questions."""

PROMISED_HIT_AT_10_WITHOUT_AMI = 0.95
PROMISED_MRR_OF_DUPLICATES = 0.74
PROMISED_MRR_OF_KNOWN_ITEMS = 0.92

KNOWN_ITEMS = 100
"""Of each source."""

RANKED_DOCUMENTS = 60
"""Documents below this place count as not found, also in the MRR."""

_AMI = re.compile(r"\bqmsum-(?:ES|IS|TS)\d")
_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the ids of documents that answer it, and the ids of documents to ignore."""

    kind: str
    text: str
    relevant: frozenset[str]
    excluded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question found.

    Attributes:
        place: Of its first relevant document, from 1; None if it was not found.
        fits: Whether the best answer is said to fit well.
        fits_without: The same if the index held no relevant document.
    """

    kind: str
    place: int | None
    seconds: float
    fits: bool
    fits_without: bool

    def is_within(self, places: int) -> bool:
        """Tell whether it is among so many documents from the first."""
        return self.place is not None and self.place <= places

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
    parser.add_argument("--folder", type=Path, default=Path("data/retrieval"))
    parser.add_argument("--embedder", choices=("local", "openai"), default="local")
    options = parser.parse_args()
    workspace, index = options.folder / "clean", options.folder / "index"
    if not index.exists():
        copy_clean(options.workspace, workspace)
        sync(workspace, index, options.embedder)
    settings = Settings(
        vector_store="lancedb",
        lancedb_uri=str(index / "lancedb"),
        embedding_provider=options.embedder,
    )
    store, embedder = build_store(settings, Meter()), build_embedder(settings, Meter())
    questions = [*read_questions(workspace, store), *questions_of_known_items(store)]
    if absent := list(absent_documents(questions, store)):
        sys.exit(f"{len(absent)} relevant documents are not in the index: {absent[:5]}")
    embedder.embed_query("warm up")
    outcomes = [ask(question, settings, store, embedder) for question in questions]
    groups = grouped(outcomes)
    print_table(groups)
    print_fits(groups["workspace"] + groups["known items"])
    if missed := list(missed_promises(groups)):
        sys.exit("\n".join(missed))


def sync(workspace: Path, index: Path, embedder: str) -> None:
    """Make the index of a workspace, in some four minutes on two cores."""
    script = str(Path(__file__).parent / "real_input.py")
    command = [sys.executable, script, str(workspace), "--folder", str(index)]
    subprocess.run([*command, "--embedder", embedder], check=True)


def questions_of_known_items(store: IndexStore, *, seed: int = 0) -> Iterator[Question]:
    """Yield a question for each known item of each source."""
    for source in SOURCE_NAMES:
        for item in known_items(store, source, KNOWN_ITEMS, seed=seed):
            kind = f"known item of {source}"
            yield Question(kind, item.text, frozenset({item.document_id}), frozenset())


def read_questions(workspace: Path, store: VectorStore) -> Iterator[Question]:
    """Yield the questions of a workspace, with the index's document ids."""
    channels = json.loads((workspace / "slack" / "channels.json").read_text())
    channel_ids = {channel["name"]: channel["id"] for channel in channels}
    with (workspace / "queries.jsonl").open() as lines:
        for line in lines:
            raw: dict[str, Any] = json.loads(line)
            yield Question(
                f"{raw['kind']} (AMI)" if _AMI.match(raw["id"]) else raw["kind"],
                raw["query"],
                frozenset(
                    our_id(relevant["doc_id"], channel_ids, store) for relevant in raw["relevant"]
                ),
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
    ranking = [answer for answer in answers.answers if answer.document_id not in question.excluded]
    places = [
        place for place, answer in enumerate(ranking, 1) if answer.document_id in question.relevant
    ]
    others = [answer.score for answer in ranking if answer.document_id not in question.relevant]
    return Outcome(
        question.kind,
        places[0] if places else None,
        seconds,
        fits=max((answer.score for answer in ranking), default=0.0) >= FITS_FROM,
        fits_without=max(others, default=0.0) >= FITS_FROM,
    )


def grouped(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return the outcomes of each kind, and of kinds that belong together."""
    kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
    groups = {kind: [outcome for outcome in outcomes if outcome.kind == kind] for kind in kinds}
    known = [outcome for outcome in outcomes if outcome.kind.startswith("known item")]
    workspace = [outcome for outcome in outcomes if not outcome.kind.startswith("known item")]
    return {
        **groups,
        "workspace": workspace,
        "workspace without AMI": [outcome for outcome in workspace if "(AMI)" not in outcome.kind],
        "known items": known,
    }


def print_table(groups: Mapping[str, Sequence[Outcome]]) -> None:
    """Print a line for each group."""
    print(f"{'questions':28}{'number':>7}{'hit@1':>21}{'hit@10':>21}{'MRR':>21}{'median ms':>11}")
    for name, outcomes in groups.items():
        milliseconds = 1_000 * statistics.median(outcome.seconds for outcome in outcomes)
        shown = "".join(f"{with_interval(outcomes, of):>21}" for of in SCORES.values())
        print(f"{name:28}{len(outcomes):>7}{shown}{milliseconds:>11.0f}")


def print_fits(outcomes: Sequence[Outcome]) -> None:
    """Print how often "nothing fits well" is said when it is so, and when it is not."""
    answered = [outcome for outcome in outcomes if outcome.is_within(1)]
    said_rightly = sum(not outcome.fits_without for outcome in outcomes)
    said_wrongly = sum(not outcome.fits for outcome in answered)
    print(
        f'\n"nothing fits well": said of {said_rightly} of {len(outcomes)} questions without their '
        f"documents (recall {said_rightly / len(outcomes):.2f}), and of {said_wrongly} of "
        f"{len(answered)} that are answered rightly in the first place "
        f"(precision {said_rightly / (said_rightly + said_wrongly or 1):.2f})"
    )


SCORES: dict[str, Callable[[Sequence[Outcome]], float]] = {
    "hit@1": lambda outcomes: statistics.fmean(outcome.is_within(1) for outcome in outcomes),
    "hit@10": lambda outcomes: statistics.fmean(outcome.is_within(10) for outcome in outcomes),
    "MRR": lambda outcomes: statistics.fmean(outcome.reciprocal_rank for outcome in outcomes),
}


def with_interval(outcomes: Sequence[Outcome], score: Callable[[Sequence[Outcome]], float]) -> str:
    """Return a score and its 95 % interval by resampling the questions."""
    chooser = random.Random(0)
    resampled = sorted(score(chooser.choices(outcomes, k=len(outcomes))) for _ in range(_RESAMPLES))
    low, high = resampled[_RESAMPLES // 40], resampled[-_RESAMPLES // 40]
    return f"{score(outcomes):.3f} [{low:.3f}, {high:.3f}]"


def missed_promises(groups: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """Yield a line for each score that is below what is promised."""
    promised = [
        *(("workspace", name, least) for name, least in PROMISED.items()),
        ("workspace without AMI", "hit@10", PROMISED_HIT_AT_10_WITHOUT_AMI),
        ("issue-duplicate", "MRR", PROMISED_MRR_OF_DUPLICATES),
        ("known items", "MRR", PROMISED_MRR_OF_KNOWN_ITEMS),
    ]
    for group, name, least in promised:
        reached = SCORES[name](groups[group])
        if reached < least:
            yield f"{group}: {name} is {reached:.3f}, promised are {least}"


if __name__ == "__main__":
    main()
