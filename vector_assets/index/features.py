"""The features by which chunks and documents of a question's searches are ranked.

The stores' scores by words are of one source each, in which a word may be rare that is common in
all others. Words are therefore counted again, over the chunks of all sources.
"""

from collections.abc import Sequence

import numpy as np

from vector_assets.index.terms import Integers, Numbers, Occurrences, Terms, stems_of
from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of

K1, B = 1.2, 0.5
"""BM25: how soon a repeated word stops counting, and how much more a long chunk has to have."""

UNSEEN_COSINE = 0.8
"""A chunk that a search by vector did not return counts as this share of its worst cosine."""

USUAL_LIKENESS = 0.65
"""Cosine to the document whose title was asked that neither raises nor lowers a score: of titles
"nothing fits well" is then said as often, and as rightly, as without likeness."""

BEST_COSINES = 3

NEARBY_WORDS = 8
"""The second of two neighbours of a question stands at most so many words after the first."""

TOGETHER_WORDS = 16
"""Words of a question stand together within so many words of a text."""


class Candidates:
    """The chunks that were returned for a question, with their words counted.

    Attributes:
        hits: Each chunk once.
        document_ids: Each document once.
    """

    def __init__(self, question: str, dense: Sequence[Hit], lexical: Sequence[Hit]) -> None:
        self.hits = list({hit.id: hit for hit in (*dense, *lexical)}.values())
        ids = [document_id_of(hit.id) for hit in self.hits]
        self.document_ids = list(dict.fromkeys(ids))
        places = {document_id: place for place, document_id in enumerate(self.document_ids)}
        self._document = np.array([places[document_id] for document_id in ids], dtype=np.intp)
        self._has_dense, self._has_lexical = bool(dense), bool(lexical)
        self._cosines = self._with_unseen(dense)
        self._likeness: Numbers | None = None
        self._by_store = self._of_best(lexical)
        self._terms = Terms(question)
        self._count_words()

    def compare(self, alike: Sequence[Hit]) -> None:
        """Let likeness to a document count, given the chunks that are nearest to it."""
        self._likeness = self._with_unseen(alike) if alike else None

    def of_chunks(self) -> dict[str, Numbers]:
        """Return by name what speaks for each chunk; arrays of shape `(chunks,)`, from 0 to 1.

        A search that returned nothing says nothing: its features are left out.
        """
        return {
            **({"cosine": self._cosines} if self._has_dense else {}),
            **({"words by store": self._by_store} if self._has_lexical else {}),
            "share of words": self._share(self._frequencies),
            "share of words together": self._together / (self._rarity.sum() or 1.0),
            # A question of one word has no neighbours; it loses nothing by that.
            **({"neighbours nearby": self._nearby} if len(self._terms.neighbours) else {}),
            "share of words in title": self._share(self._title_frequencies),
        }

    def of_documents(self) -> dict[str, Numbers]:
        """Return by name what speaks for each document; of shape `(documents,)`, from 0 to 1.

        Likeness is from -0.65 to 0.35: below 0 where a document is less like it than usual.

        What speaks for a chunk speaks for its document, as far as it does for the best of them.
        """
        frequencies, lengths = self._summed(self._frequencies), self._summed(self._lengths)
        return {
            **{name: self._best(values) for name, values in self.of_chunks().items()},
            **({"best cosines": self._best_cosines()} if self._has_dense else {}),
            **self._like_known(),
            "words in document": self._bm25(frequencies, lengths),
            "share of words in document": self._share(frequencies),
            "pairs in document": self._share_of_pairs(
                self._summed(self._side_by_side), self._terms.pairs
            ),
        }

    def _like_known(self) -> dict[str, Numbers]:
        """Return how much nearer than usual each document is to one whose title was asked."""
        if self._likeness is None:
            return {}
        return {"likeness": self._best(self._likeness) - USUAL_LIKENESS}

    def _with_unseen(self, dense: Sequence[Hit]) -> Numbers:
        cosines = {hit.id: hit.score for hit in dense}
        unseen = UNSEEN_COSINE * max(min(cosines.values(), default=0.0), 0.0)
        return np.array([cosines.get(hit.id, unseen) for hit in self.hits])

    def _of_best(self, lexical: Sequence[Hit]) -> Numbers:
        scores = {hit.id: hit.score for hit in lexical}
        best = max(scores.values(), default=0.0) or 1.0
        return np.array([scores.get(hit.id, 0.0) / best for hit in self.hits])

    def _count_words(self) -> None:
        texts = [stems_of(str(hit.metadata.get("text", ""))) for hit in self.hits]
        titles = [stems_of(str(hit.metadata.get("title", ""))) for hit in self.hits]
        self._lengths = np.array([len(text) for text in texts], dtype=float)
        words = Occurrences(self._terms, texts)
        self._frequencies = words.frequencies()
        self._title_frequencies = Occurrences(self._terms, titles).frequencies()
        seen_in = (self._frequencies > 0).sum(axis=0)
        self._rarity = np.log(1 + (len(self.hits) - seen_in + 0.5) / (seen_in + 0.5))
        self._side_by_side = words.following(self._terms.pairs, 1)
        neighbours = self._terms.neighbours
        self._nearby = self._share_of_pairs(words.following(neighbours, NEARBY_WORDS), neighbours)
        self._together = words.most_within(TOGETHER_WORDS, self._rarity)

    def _bm25(self, frequencies: Numbers, lengths: Numbers) -> Numbers:
        """Return BM25 as a share of the most that a text can have of these words."""
        relative_lengths = lengths / (lengths.sum() / max(len(lengths), 1) or 1.0)
        seldom = frequencies / (frequencies + K1 * (1 - B + B * relative_lengths)[:, None])
        return self._weighted(seldom)

    def _share(self, frequencies: Numbers) -> Numbers:
        """Return the share of the question's words in each text; rare words count more."""
        return self._weighted((frequencies > 0).astype(float))

    def _weighted(self, by_term: Numbers) -> Numbers:
        share: Numbers = (by_term @ self._rarity) / (self._rarity.sum() or 1.0)
        return share

    def _share_of_pairs(self, pairs: Numbers, terms: Integers) -> Numbers:
        """Return the share of pairs of terms in each text; those of rare words count more."""
        rarity = self._rarity[terms].sum(axis=1)
        share: Numbers = ((pairs > 0) @ rarity) / (rarity.sum() or 1.0)
        return share

    def _best(self, of_chunks: Numbers) -> Numbers:
        best = np.zeros(len(self.document_ids))
        np.maximum.at(best, self._document, of_chunks)
        return best

    def _summed(self, of_chunks: Numbers) -> Numbers:
        total = np.zeros((len(self.document_ids), *of_chunks.shape[1:]))
        np.add.at(total, self._document, of_chunks)
        return total

    def _best_cosines(self) -> Numbers:
        """Return the mean of each document's best cosines; those it lacks count as unseen."""
        by_document: list[list[float]] = [[] for _ in self.document_ids]
        for place, cosine in zip(self._document.tolist(), self._cosines.tolist(), strict=True):
            by_document[place].append(cosine)
        means = []
        for cosines in by_document:
            best = sorted(cosines, reverse=True)[:BEST_COSINES]
            missing = BEST_COSINES - len(best)
            means.append((sum(best) + missing * UNSEEN_COSINE * best[-1]) / BEST_COSINES)
        return np.array(means)
