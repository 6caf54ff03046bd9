"""Finds the weights of `index/ranking.py`, and prints how well they rank, cross-validated.

Reads the index that `retrieval.py` made. Weights are found by gradient descent on the chance of the
right documents among all that were returned; questions about the same document are in one fold.
Only questions that are the title of a document have a likeness: its weight is found after the
others, so that it changes nothing for all other questions.

    python benchmarks/ranking_weights.py [--folder data/retrieval]
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from retrieval import Question, questions_of_known_items, read_questions

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.ranking import WEIGHTS
from vector_assets.index.search import candidates_in
from vector_assets.index.targets import ReadTarget
from vector_assets.index.terms import Numbers
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter

Flags = npt.NDArray[np.bool_]

FOLDS, STEPS, STEP, SHRINKING = 5, 150, 0.15, 1e-3
KNOWN_ITEM_WEIGHT = 0.2
"""Known items are easier than what people ask, and there are almost as many."""

SEED = 11
"""Of the known items; others than those by which `retrieval.py` judges."""


@dataclass(frozen=True, slots=True)
class Example:
    """The documents that were returned for a question; features are of shape (documents, 11)."""

    features: Numbers
    is_right: Numbers
    weight: float
    fold: int


def main() -> None:
    """Find weights and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("data/retrieval"))
    folder: Path = parser.parse_args().folder
    settings = Settings(vector_store="lancedb", lancedb_uri=str(folder / "index" / "lancedb"))
    store = build_store(settings, Meter())
    target = ReadTarget(store, build_embedder(settings, Meter()))
    known_items = questions_of_known_items(store, seed=SEED)
    questions = [*read_questions(folder / "clean", store), *known_items]
    examples = [example for question in questions if (example := example_of(question, target))]
    for known in (False, True):
        ranks = [place for fold in range(FOLDS) for place in places(examples, fold, is_known=known)]
        print(
            f"{'known items' if known else 'workspace'}: of the {len(ranks)} whose document was "
            f"returned, hit@1 {np.mean([rank == 1 for rank in ranks]):.3f}, "
            f"hit@10 {np.mean([rank <= 10 for rank in ranks]):.3f}, "
            f"MRR {np.mean([1 / rank for rank in ranks]):.3f}"
        )
    for name, weight in zip(WEIGHTS, best_weights(examples), strict=True):
        print(f"{name:28} {weight:5.2f}")


def example_of(question: Question, target: ReadTarget) -> Example | None:
    """Ask a question; None when the right document is not among what both searches returned."""
    candidates = candidates_in(question.text, SOURCE_NAMES, target=target, where=Filter())
    of_documents = candidates.of_documents()
    nothing = np.zeros(len(candidates.document_ids))
    features = np.stack([of_documents.get(name, nothing) for name in WEIGHTS], axis=1)
    kept = [
        place
        for place, document_id in enumerate(candidates.document_ids)
        if document_id not in question.excluded
    ]
    is_right = np.array([candidates.document_ids[place] in question.relevant for place in kept])
    if not is_right.any():
        return None
    is_known = question.kind.startswith("known item")
    return Example(
        features[kept],
        is_right.astype(float),
        KNOWN_ITEM_WEIGHT if is_known else 1.0,
        random.Random(min(question.relevant)).randrange(FOLDS),
    )


def places(examples: Sequence[Example], fold: int, *, is_known: bool) -> list[int]:
    """Return the place of the first right document in each question of a fold, from 1."""
    weights = best_weights([example for example in examples if example.fold != fold])
    ranks = []
    for example in examples:
        if example.fold == fold and (example.weight < 1) == is_known:
            scores = example.features @ weights
            best = scores[example.is_right > 0].max()
            ranks.append(1 + int((scores > best).sum()))
    return ranks


def best_weights(examples: Sequence[Example]) -> Numbers:
    """Return the weights that make the right documents likeliest."""
    is_likeness = np.array([name == "likeness" for name in WEIGHTS])
    others = _moved(examples, np.where(is_likeness, 0.0, 2.0), ~is_likeness)
    titles = [example for example in examples if example.features[:, is_likeness].any()]
    return _moved(titles, others, is_likeness)


def _moved(examples: Sequence[Example], weights: Numbers, is_moved: Flags) -> Numbers:
    """Return weights of which some are moved to where the right documents are likeliest (Adam)."""
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    total = sum(example.weight for example in examples)
    for step in range(1, STEPS + 1):
        slope = sum((_slope(example, weights) for example in examples), np.zeros_like(weights))
        slope = (slope / total + SHRINKING * weights) * is_moved
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        scale = np.sqrt(square / (1 - 0.99**step)) + 1e-9
        weights = weights - STEP * mean / (1 - 0.9**step) / scale
    return weights


def _slope(example: Example, weights: Numbers) -> Numbers:
    scores = example.features @ weights
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    right = chances * example.is_right
    slope: Numbers = example.weight * (chances - right / right.sum()) @ example.features
    return slope


if __name__ == "__main__":
    main()
