"""Which generation is live: followed by readers, and kept by a run to its end."""

from pathlib import Path

import pytest

from vector_assets.core.errors import SwitchedIndexError
from vector_assets.index.generations import Generation, Index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import write_target
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import recorded_index
from vector_assets_tests.support.tiny import TinyEmbedder

OTHER = Generation("other", IndexSpec.of(TinyEmbedder(dimensions=32)))


@pytest.fixture
def base(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "index"))


def test_a_new_index_has_no_live_generation_until_a_run_writes_to_it(base: LanceDBStore) -> None:
    index = Index(base)
    assert index.live() is None
    assert index.open() is base
    target = write_target(index, TinyEmbedder(), lambda spec: TinyEmbedder())
    assert target.store is base
    assert Index(base).live() == Generation("", IndexSpec.of(TinyEmbedder()))


def test_a_reader_follows_a_switch_within_its_time_and_a_writer_is_told(base: LanceDBStore) -> None:
    index = recorded_index(base, TinyEmbedder())
    target = write_target(index, TinyEmbedder(), lambda spec: TinyEmbedder())
    target.require_live()
    Index(base).records.set_live(OTHER)
    assert index.open() is base, "it was asked a moment ago"
    with pytest.raises(SwitchedIndexError, match=r"32 dimensions.* run the same days again"):
        target.require_live()
    assert index.live_now() == OTHER
    assert index.open() is index.store_of(OTHER) is not base


def test_the_ledger_stays_in_the_base_whatever_the_length_of_the_live_vectors(
    base: LanceDBStore,
) -> None:
    recorded_index(base, TinyEmbedder()).records.set_live(OTHER)
    other = TinyEmbedder(dimensions=32)
    target = write_target(Index(base), other, lambda spec: other)
    target.ledger.put("quarantine", {"jira:1": {"cause": "carrots"}})
    assert Index(base).ledger.entries("quarantine") == {"jira:1": {"cause": "carrots"}}
    assert base.dimensions("ledger") == 64
