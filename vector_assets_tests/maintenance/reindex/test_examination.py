"""Before a switch both generations are asked the same questions; a worse one is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from vector_assets.core.errors import FatalError
from vector_assets.core.vectors import Vectors
from vector_assets.embedding import chunking
from vector_assets.index.generations import Generation
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline import plan
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.quality.test_examine import cut_short
from vector_assets_tests.maintenance.quality.town import Town
from vector_assets_tests.maintenance.reindex.places import Place, tiny
from vector_assets_tests.support.tiny import TinyEmbedder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An index of forty issues, half of them recent, in vectors of the model `one`."""
    place = Place(LanceDBStore(str(tmp_path / "index")))
    town = Town(place.base, tiny(), sources=["jira"])
    now = datetime.now(UTC)
    town.put(*(town.new("jira", now - timedelta(days=n % 2 * 90 + 2)) for n in range(40)))
    town.write(town.documents.values())
    place.put(*town.documents.values())
    place.index().records.set_live(Generation("", IndexSpec.of(tiny())))
    return place


class Muddled(TinyEmbedder):
    """Gives most texts the vector of another, but recognizes the canary."""

    model = "muddled"

    def embed_query(self, text: str) -> Vectors:
        vector = super().embed_query(text)
        is_asked = "canary" in text or "bird" in text
        return vector if is_asked else np.roll(vector, len(text) % 7 + 1)


def test_another_model_that_answers_as_well_is_switched_to(place: Place) -> None:
    report = place.reindexing(tiny("two"), live_embedder=tiny()).run()
    assert report.is_switched
    assert "questions asked of both indexes: mean reciprocal rank 1.00 before" in report.examined


def test_a_model_that_answers_worse_is_refused_and_can_be_accepted(place: Place) -> None:
    told = r"worse than the live one\. search by meaning: .* fell from .*Nothing was switched"
    with pytest.raises(FatalError, match=rf"{told}.*add --accept-worse"):
        place.reindexing(Muddled(), live_embedder=tiny()).run()
    assert place.live().spec.model == "one"
    # What was filled is not filled again; what is mended or accepted is switched to.
    report = place.reindexing(Muddled(), live_embedder=tiny(), accepts_worse=True).run()
    assert report.is_switched
    assert report.stats.embedded_chunks == 0
    assert report.examined.endswith("accepted though it is worse")
    assert place.live().spec.model == "muddled"


def test_a_chunker_that_loses_text_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "chunk_document", cut_short)
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    with pytest.raises(FatalError, match=r"worse.* answers: the mean reciprocal rank of \d+"):
        place.reindexing(tiny(), live_embedder=tiny()).run()


def test_a_model_that_is_gone_or_an_index_that_is_small_is_not_compared(
    place: Place, tmp_path: Path
) -> None:
    report = place.reindexing(tiny("two")).run()
    assert (report.is_switched, report.examined) == (True, "")
    small = Place(LanceDBStore(str(tmp_path / "small")))
    town = Town(small.base, tiny(), sources=["jira"])
    small.put(town.new("jira", town.now))
    small.sync(tiny())
    report = small.reindexing(tiny("two"), live_embedder=tiny()).run()
    assert report.is_switched
    assert "not compared by questions: 1 could be asked of both indexes" in report.examined
