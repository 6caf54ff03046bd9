"""Measures whether the passages that answers show are those that answer, over `queries.jsonl`.

Of the questions whose document is among the first ten answers, the share where a passage that is
shown touches the span that answers, by source, for one passage and for all. A passage touches a
span when they share six words in a row, or a whole text where the span has shorter ones only. AMI
meetings, of which most questions name none, are told apart. Exits 1 below what this project
promises.

`benchmarks/real_input.py` makes the index, meeting summaries included:

    python benchmarks/passages.py ../shared/workspace-data [--index data/real_input/lancedb]
"""

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raw_words import lines

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.answers import Answer
from vector_assets.index.search import find
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store

PROMISED_SHARE = 0.75

LIMIT = 10
RUN_WORDS = 6
"""So many words in a row are of no other place."""

_WORD = re.compile(r"[\w']+")
_AMI = re.compile(r"fireflies:qmsum-(?:ES|IS|TS)\d{4}")
"""The parallel meetings of the AMI corpus, all on the same remote control."""

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the document that answers, and the runs of words of the span in it."""

    group: str
    text: str
    document_id: str
    runs: frozenset[Words]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the best passage, and any that is shown, touches the span."""

    group: str
    best_touches: bool
    any_touches: bool
    characters: int


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--index", default="data/real_input/lancedb", help="URI of a LanceDB")
    options = parser.parse_args()
    settings = Settings(vector_store="lancedb", lancedb_uri=options.index)
    store, embedder = build_store(settings, Meter()), build_embedder(settings, Meter())
    questions = list(read_questions(options.workspace))
    outcomes: list[Outcome] = []
    seconds = []
    for question in questions:
        began = time.perf_counter()
        answers = find(
            question.text,
            settings=settings,
            sources=SOURCE_NAMES,
            limit=LIMIT,
            store=store,
            embedder=embedder,
        )
        seconds.append(time.perf_counter() - began)
        outcomes.extend(
            outcome(question, answer)
            for answer in answers.answers
            if answer.document_id == question.document_id
        )
    print_table(questions, outcomes)
    print(f"median {1_000 * statistics.median(seconds):.0f} ms a question")
    share = statistics.fmean(outcome.any_touches for outcome in outcomes)
    if share < PROMISED_SHARE:
        sys.exit(f"promised: {PROMISED_SHARE} of right documents show what answers")


def read_questions(workspace: Path) -> Iterator[Question]:
    """Yield the questions that have a span, with the index's document ids."""
    spans = _Spans(workspace)
    for raw in lines(workspace / "queries.jsonl"):
        for relevant in raw["relevant"]:
            texts = list(spans.texts(relevant))
            if not texts:
                continue
            document_id = spans.our_id(relevant["doc_id"])
            group = "AMI meetings" if _AMI.match(document_id) else raw["source"]
            runs = runs_of(texts)
            yield Question(group, raw["query"], document_id, runs)


def outcome(question: Question, answer: Answer) -> Outcome:
    """Return how an answer shows what it was found for."""
    texts = [passage.text for passage in answer.passages]
    return Outcome(
        question.group,
        touches(answer.passage, question.runs),
        any(touches(text, question.runs) for text in texts),
        sum(map(len, texts)),
    )


def touches(text: str, runs: frozenset[Words]) -> bool:
    """Tell whether a text holds one of some runs of words."""
    words = words_of(text)
    lengths = {len(run) for run in runs}
    return any(words[at : at + length] in runs for length in lengths for at in range(len(words)))


def runs_of(texts: Sequence[str]) -> frozenset[Words]:
    """Return the runs of words in some texts; where all are short, those of three words or more."""
    told = [words_of(text) for text in texts]
    long = frozenset(
        words[at : at + RUN_WORDS] for words in told for at in range(len(words) - RUN_WORDS + 1)
    )
    return long or frozenset(words for words in told if len(words) > 2)


def words_of(text: str) -> Words:
    """Return the words of a text in lower case."""
    return tuple(_WORD.findall(text.lower()))


class _Spans:
    """The texts that spans of a workspace name."""

    def __init__(self, workspace: Path) -> None:
        channels = json.loads((workspace / "slack" / "channels.json").read_text())
        self._channel_ids = {channel["name"]: channel["id"] for channel in channels}
        self._messages = {
            (folder.name, message["ts"]): message.get("text", "")
            for folder in (workspace / "slack").iterdir()
            for day in (folder.glob("*.json") if folder.is_dir() else ())
            for message in json.loads(day.read_text())
        }
        meetings = lines(workspace / "fireflies" / "transcripts.jsonl")
        self._sentences = {meeting["id"]: meeting["sentences"] for meeting in meetings}
        self._blocks: dict[str, str] = {}
        for page in lines(workspace / "notion" / "pages.jsonl"):
            self._add_blocks(page["blocks"])

    def our_id(self, their_id: str) -> str:
        """Return the id that a document of `queries.jsonl` has in the index."""
        source, _, rest = their_id.partition(":")
        if source != "slack":
            return their_id
        channel, _, thread_ts = rest.partition(":")
        return f"{source}:{self._channel_ids[channel]}:{thread_ts}"

    def texts(self, relevant: Mapping[str, Any]) -> Iterator[str]:
        """Yield the texts of a span; nothing when there is none."""
        _, _, rest = relevant["doc_id"].partition(":")
        for first, last in relevant.get("span_sentences", ()):
            for sentence in self._sentences[rest][first : last + 1]:
                yield sentence["text"]
        for ts in relevant.get("span_ts", ()):
            yield self._messages[rest.partition(":")[0], ts]
        for block_id in relevant.get("span_block_ids", ()):
            yield self._blocks[block_id]

    def _add_blocks(self, blocks: list[dict[str, Any]]) -> None:
        for block in blocks:
            content = block[block["type"]]
            rich_text = content.get("rich_text", ())
            self._blocks[block["id"]] = "".join(part["plain_text"] for part in rich_text)
            self._add_blocks(content.get("children", []))


def print_table(questions: list[Question], outcomes: list[Outcome]) -> None:
    """Print a line for each source and a line for all."""
    print(f"{'source':16}{'questions':>10}{'found':>8}{'one':>8}{'all':>8}{'characters':>12}")
    for group in [*sorted({question.group for question in questions}), "all"]:
        of_group = [outcome for outcome in outcomes if group in (outcome.group, "all")]
        count = sum(group in (question.group, "all") for question in questions)
        if of_group:
            print(
                f"{group:16}{count:>10}{len(of_group):>8}"
                f"{statistics.fmean(outcome.best_touches for outcome in of_group):>8.3f}"
                f"{statistics.fmean(outcome.any_touches for outcome in of_group):>8.3f}"
                f"{statistics.fmean(outcome.characters for outcome in of_group):>12.0f}"
            )


if __name__ == "__main__":
    main()
