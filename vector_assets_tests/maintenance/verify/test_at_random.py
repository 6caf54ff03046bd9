"""Random damage, then a repair: the index equals a newly synced one, record by record."""

import shutil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.verify.damaged import DIMENSIONS, World, into_lancedb
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.indexes import assert_same, contents

CHUNKS = ("jira:1#0", "jira:1#1", "jira:1#2", "jira:2#0", "jira:3#0", "jira:3#1")

FIELDS = (
    ("text", "lies"), ("title", "lies"), ("access", ["restricted"]), ("partition", "2020-01-01"),
    ("updated_at", 9e9), ("updated_at", 1.0), ("chunk_count", 1), ("chunk_count", 9),
    ("chunk", 7), ("document_id", "jira:77"), ("fingerprint", ""), ("stray", 5.0),
    ("document_fingerprint", ""), ("document_fingerprint", "lies"), ("stamp", "lies"),
    ("url", ""),
)  # fmt: skip

Damage = tuple[str, str, int]


def damage(world: World, kind: str, chunk_id: str, number: int) -> None:
    """Do one thing to a record, if it is there."""
    if kind == "orphan":
        world.copy(next(iter(world.store.record_ids("jira"))), f"{chunk_id[:-1]}{3 + number}")
    elif not world.store.fetch("jira", [chunk_id]):
        return
    elif kind == "delete":
        world.store.delete("jira", [chunk_id])
    elif kind == "double":
        name, value = FIELDS[number % len(FIELDS)]
        world.double(chunk_id, **{name: value})
    elif kind == "vector":
        world.alter(chunk_id, vector=[0.5 + number] * DIMENSIONS)
    elif kind == "swap":
        other = world.record(CHUNKS[number % len(CHUNKS)]) if _all_there(world) else None
        if other is not None:
            world.alter(chunk_id, vector=other.vector, **other.metadata)
    else:
        name, value = FIELDS[number % len(FIELDS)]
        world.alter(chunk_id, **{name: value})


def _all_there(world: World) -> bool:
    return len({record.id for record in world.store.fetch("jira", CHUNKS)}) == len(CHUNKS)


def assert_mends(world: World) -> None:
    seen = world.verify()
    repaired = world.verify(repair=True)
    assert repaired.findings == []
    assert repaired.is_right
    if not seen.findings:
        assert not repaired.mended
    world.assert_fresh()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LanceDB that is right, to be copied."""
    folder = tmp_path_factory.mktemp("verify") / "index"
    World(LanceDBStore(str(folder)), into_lancedb(str(folder)), uri=str(folder)).sync()
    return folder


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("delete", "alter", "alter", "double", "vector", "orphan", "swap")),
            st.sampled_from(CHUNKS),
            st.integers(0, 15),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_after_any_damage_of_lancedb_a_repair_makes_the_index_fresh(
    index: Path, done: list[Damage]
) -> None:
    with TemporaryDirectory() as folder:
        uri = shutil.copytree(index, Path(folder) / "index").as_posix()
        world = World(LanceDBStore(uri), into_lancedb(uri), uri=uri)
        for how, chunk_id, number in done:
            damage(world, how, chunk_id, number)
        assert_mends(world)
        repaired, fresh = contents(uri, ["jira"])["jira"], contents(uri, ["fresh"])["fresh"]
        fields = {name for row in fresh.values() for name in row}
        kept = {
            chunk_id: {name: value for name, value in row.items() if name in fields}
            for chunk_id, row in repaired.items()
        }
        others = [row[name] for row in repaired.values() for name in row.keys() - fields]
        assert all(value is None for value in others)
        assert_same({"jira": kept}, {"jira": fresh})


@pytest.mark.parametrize("api", ["documents", "vectors"])
def test_after_any_damage_of_pinecone_a_repair_makes_the_index_fresh(
    sandbox: Sandbox, api: str
) -> None:
    if api == "vectors":
        make_vector_index(sandbox, DIMENSIONS)
    store = build(sandbox)
    store.seen_within_seconds = 0.0
    world = World(store, lambda records: store.upsert("jira", records))
    for seed in range(6):
        random = Random(seed)
        for namespace in ("jira", "fresh"):
            store.delete(namespace, list(store.record_ids(namespace)))
        world.sync()
        for _ in range(random.randint(1, 5)):
            kind = random.choice(["delete", "alter", "alter", "vector", "orphan", "swap"])
            damage(world, kind, random.choice(CHUNKS), random.randrange(16))
        assert_mends(world)
