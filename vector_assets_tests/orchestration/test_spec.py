"""Nights over an index of another kind than the settings or the code mean."""

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.meter import Meter
from vector_assets.embedding import chunking
from vector_assets.index.spec import IndexSpec
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.reindex.places import Place, tiny
from vector_assets_tests.orchestration.parts import GivenEmbedder, Location, days, failure_text
from vector_assets_tests.support.tiny import TinyEmbedder, document


class GivenEmbedders(GivenEmbedder):
    """Stands in for `EmbedderResource`: the settings' embedder, and those of other specs."""

    def __init__(self, embedder: TinyEmbedder, *others: TinyEmbedder) -> None:
        super().__init__()
        self.embedder = embedder
        self._by_spec = {IndexSpec.of(other): other for other in others}

    def connect_spec(self, spec: IndexSpec, meter: Meter) -> TinyEmbedder:
        if spec not in self._by_spec:
            raise SettingsError("OPENAI_API_KEY is not set")
        return self._by_spec[spec]


@pytest.fixture
def filled(location: Location) -> Location:
    location.embedder = GivenEmbedders(tiny())
    assert location.sync(days("2026-03-02"), document("1", "the first night")).success
    return location


def test_a_night_after_a_change_of_model_writes_the_old_kind_and_says_so(filled: Location) -> None:
    filled.embedder = GivenEmbedders(tiny("two"), tiny())
    assert filled.sync(days("2026-03-02"), document("2", "the second night")).success
    _, metadata = filled.recorded()[-1]
    assert metadata["embedding"] == "tiny/one/64"
    assert "model tiny/one, now tiny/two" in metadata["pending_reindex"]
    place = Place(LanceDBStore(filled.uri))
    held = place.assert_unmixed(place.base, IndexSpec.of(tiny()))
    assert held.keys() == {"jira:1#0", "jira:2#0"}


def test_a_night_whose_old_model_is_gone_fails_by_name_and_writes_nothing(filled: Location) -> None:
    filled.embedder = GivenEmbedders(tiny("two"))
    result = filled.sync(days("2026-03-02"), document("2", "the second night"))
    assert not result.success
    assert "tiny/one, now tiny/two" in failure_text(result)
    assert "OPENAI_API_KEY is not set" in failure_text(result)
    assert "vector-assets reindex" in failure_text(result)
    assert LanceDBStore(filled.uri).count("jira") == 1


def test_a_night_after_an_upgrade_of_the_chunker_fails_by_name_and_once_reindexed_goes_on(
    filled: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    late = document("2", "the second night")
    result = filled.sync(days("2026-03-02"), late)
    assert "chunker" in failure_text(result)
    place = Place(LanceDBStore(filled.uri))
    place.put(document("1", "the first night"))
    place.reindexing(tiny()).run()
    assert filled.sync(days("2026-03-02"), late).success
    held = place.assert_unmixed(place.served(), IndexSpec.of(tiny()))
    assert held.keys() == {"jira:1#0", "jira:2#0"}
    assert filled.recorded()[-1][1].get("pending_reindex") is None
