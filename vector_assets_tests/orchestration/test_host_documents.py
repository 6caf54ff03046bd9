"""Assets of other projects that return documents: what the index holds, and what is told."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.documents import Document
from vector_assets.core.settings import Settings
from vector_assets.index.search import find
from vector_assets.orchestration.io_managers import (
    LanceDBIOManager,
    PineconeIOManager,
    VectorIndexIOManager,
)
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.orchestration.parts import failure_text, plain
from vector_assets_tests.support.tiny import document

DAILY = dg.DailyPartitionsDefinition("2026-03-01", end_date="2026-03-20")


def note(native_id: str, text: str = "the cold store alarm", **fields: Any) -> Document:
    return document(native_id, text, **{"source": "notes", "extra": {}, **fields})


class Host:
    """A project of its own, which knows of us only its IO manager."""

    def __init__(
        self, manager: VectorIndexIOManager, settings: Settings, instance: dg.DagsterInstance
    ) -> None:
        self.manager = manager
        self.settings = settings
        self.instance = instance

    def run(
        self,
        documents: object,
        *,
        name: str = "notes",
        partitions: dg.PartitionsDefinition[Any] | None = None,
        partition_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        **metadata: object,
    ) -> dg.ExecuteInProcessResult:
        """Materialize an asset that returns these documents."""

        @dg.asset(
            name=name,
            partitions_def=partitions,
            metadata={f"vector_assets/{key}": value for key, value in metadata.items()},
        )
        def notes() -> dg.Output[Any]:
            return dg.Output(documents)

        return dg.materialize(
            [notes],
            partition_key=partition_key,
            tags=dict(tags or {}),
            resources={"io_manager": self.manager},
            instance=self.instance,
            raise_on_error=False,
        )

    def numbers(self, result: dg.ExecuteInProcessResult) -> dict[str, Any]:
        """Return the metadata of a run's only materialization."""
        assert result.success, failure_text(result)
        (event,) = result.get_asset_materialization_events()
        return {name: plain(value) for name, value in event.materialization.metadata.items()}

    def ids(self, namespace: str = "notes") -> set[str]:
        """Return the ids of the documents in the index."""
        store = self.manager.build_index(_meter()).open()
        return {document_id for document_id, _ in store.documents(namespace)}

    def found(self, question: str, *sources: str) -> list[str]:
        answers = find(question, settings=self.settings, sources=sources).answers
        return [answer.document_id for answer in answers]


def _meter() -> Any:
    from vector_assets.core.meter import Meter

    return Meter()


@pytest.fixture(params=["lancedb", "pinecone"])
def host(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path, instance: dg.DagsterInstance
) -> Host:
    environment = sandbox.environment
    embedding = {
        "openai_api_key": environment["OPENAI_API_KEY"],
        "openai_base_url": environment["OPENAI_BASE_URL"],
    }
    if request.param == "lancedb":
        uri = str(tmp_path / "index")
        settings = Settings(lancedb_uri=uri, **embedding)
        return Host(LanceDBIOManager(uri=uri, **embedding), settings, instance)
    pinecone = {
        "pinecone_api_key": environment["PINECONE_API_KEY"],
        "pinecone_controller_host": environment["PINECONE_CONTROLLER_HOST"],
        "pinecone_index": "team",
    }
    manager = PineconeIOManager(
        index="team",
        api_key=pinecone["pinecone_api_key"],
        controller_host=pinecone["pinecone_controller_host"],
        **embedding,
    )
    return Host(manager, Settings(**pinecone, **embedding), instance)


@pytest.fixture
def lance(tmp_path: Path, sandbox: Sandbox, instance: dg.DagsterInstance) -> Host:
    embedding = {
        "openai_api_key": sandbox.environment["OPENAI_API_KEY"],
        "openai_base_url": sandbox.environment["OPENAI_BASE_URL"],
    }
    uri = str(tmp_path / "index")
    settings = Settings(lancedb_uri=uri, **embedding)
    return Host(LanceDBIOManager(uri=uri, **embedding), settings, instance)


def test_documents_of_another_project_are_written_once_and_found(host: Host) -> None:
    secret = "the password is: hunter2hunter2 and the token ghp_" + "a1B2" * 9
    documents = [note("1"), note("2", "brake pads for the vans"), note("3", secret)]
    first = host.numbers(host.run(documents))
    assert first["dagster/row_count"] == first["documents"] == first["run_embedded_chunks"] == 3
    assert first["redacted_secrets"] > 0
    second = host.numbers(host.run(documents))
    assert second["dagster/row_count"] == second["run_unchanged_documents"] == 3
    assert second["run_embedded_chunks"] == second["run_deleted_chunks"] == 0
    assert second["chunks"] == first["chunks"] == 3
    assert host.found("brake pads for the vans")[0] == "notes:2"
    assert host.found("brake pads for the vans", "notes")[0] == "notes:2"


def test_a_second_run_asks_the_index_to_write_nothing(
    sandbox: Sandbox, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    environment = sandbox.environment
    manager = PineconeIOManager(
        index="team",
        api_key=environment["PINECONE_API_KEY"],
        controller_host=environment["PINECONE_CONTROLLER_HOST"],
        openai_api_key=environment["OPENAI_API_KEY"],
        openai_base_url=environment["OPENAI_BASE_URL"],
    )
    host = Host(manager, Settings(), instance)
    host.run([note("1"), note("2")])
    numbers = host.numbers(host.run([note("1"), note("2")]))
    requests = numbers["run_requests_by_endpoint"]
    assert requests
    assert not [name for name in requests if "upsert" in name or "delete" in name], requests
    assert not [name for name in requests if "openai" in name.lower()], requests


def _generator(documents: Iterable[Document]) -> Iterator[Document]:
    yield from documents


@pytest.mark.parametrize(
    "shape", [list, tuple, iter, _generator, lambda documents: chain(documents)]
)
def test_any_iterable_of_documents_is_written(
    lance: Host, shape: Callable[[list[Document]], object]
) -> None:
    assert lance.numbers(lance.run(shape([note("1"), note("2")])))["documents"] == 2
    assert lance.ids() == {"notes:1", "notes:2"}


def test_a_generator_is_drawn_in_batches(lance: Host) -> None:
    written_when_last_drawn = 0

    def documents() -> Iterator[Document]:
        nonlocal written_when_last_drawn
        for number in range(3_000):
            yield note(str(number), f"the alarm {number}")
        written_when_last_drawn = len(lance.ids())

    assert lance.numbers(lance.run(documents()))["documents"] == 3_000
    assert written_when_last_drawn > 1_000


def test_what_is_not_returned_any_more_stays_unless_the_asset_says_that_it_returns_all(
    host: Host,
) -> None:
    documents = [note(str(number)) for number in range(10)]
    host.run(documents)
    host.run(documents[:9])
    assert len(host.ids()) == 10
    numbers = host.numbers(host.run(documents[:9], complete=True))
    assert numbers["deleted_documents"] == 1
    assert host.ids() == {each.id for each in documents[:9]}


def test_what_is_gone_takes_no_document_with_it_whose_id_goes_on_with_an_anchor(
    host: Host,
) -> None:
    documents = [note("guide"), note("guide#setup"), note("tour")]
    host.run(documents, complete=True)
    numbers = host.numbers(host.run(documents[1:], complete=True))
    assert numbers["deleted_documents"] == 1
    assert host.ids() == {"notes:guide#setup", "notes:tour"}


def test_a_run_that_would_delete_too_much_deletes_nothing_and_says_so(lance: Host) -> None:
    documents = [note(str(number)) for number in range(10)]
    lance.run(documents, complete=True)
    numbers = lance.numbers(lance.run(documents[:5], complete=True))
    assert (numbers["deleted_documents"], numbers["refused_documents"]) == (0, 5)
    assert len(lance.ids()) == 10
    assert (
        lance.numbers(lance.run(documents[:5], complete=True, max_share=1.0))["deleted_documents"]
        == 5
    )


@pytest.mark.parametrize("max_share", [0.2, 1.0])
def test_an_empty_or_failed_run_deletes_nothing(lance: Host, max_share: float) -> None:
    lance.run([note("1"), note("2")], complete=True, max_share=max_share)

    def broken() -> Iterator[Document]:
        yield note("1")
        raise RuntimeError("the API went away")

    assert lance.run([], complete=True, max_share=max_share).success
    failed = lance.run(broken(), complete=True, max_share=max_share)
    assert "the API went away" in failure_text(failed)
    assert lance.ids() == {"notes:1", "notes:2"}


def test_a_complete_partition_deletes_only_its_own_documents(host: Host) -> None:
    def on(day: int, *names: str) -> list[Document]:
        return [note(name, updated_at=f"2026-03-{day:02}T10:00") for name in names]

    daily = {"partitions": DAILY, "complete": True}
    for day, names in ((2, "abc"), (3, "xyz")):
        host.run(on(day, *names), partition_key=f"2026-03-{day:02}", **daily)
    numbers = host.numbers(host.run(on(2, "a", "b"), partition_key="2026-03-02", **daily))
    assert (numbers["dagster/partition_row_count"], numbers["deleted_documents"]) == (2, 1)
    assert host.ids() == {f"notes:{name}" for name in "abxyz"}


def test_a_run_over_several_days_records_each_with_its_own_numbers(lance: Host) -> None:
    documents = [note(str(day), updated_at=f"2026-03-{day:02}T10:00") for day in (2, 2, 4)]
    documents[1] = note("other", updated_at="2026-03-02T11:00")
    result = lance.run(
        documents,
        partitions=DAILY,
        tags={
            "dagster/asset_partition_range_start": "2026-03-02",
            "dagster/asset_partition_range_end": "2026-03-04",
        },
    )
    assert result.success, failure_text(result)
    events = [event.materialization for event in result.get_asset_materialization_events()]
    rows = {
        event.partition: plain(event.metadata["dagster/partition_row_count"]) for event in events
    }
    assert rows == {"2026-03-02": 2, "2026-03-03": 0, "2026-03-04": 1}


@pytest.mark.parametrize(
    ("partitions", "key"),
    [
        (dg.StaticPartitionsDefinition(["eu", "us"]), "eu"),
        (dg.HourlyPartitionsDefinition("2026-03-01-00:00"), "2026-03-02-10:00"),
        (
            dg.MultiPartitionsDefinition(
                {"day": DAILY, "area": dg.StaticPartitionsDefinition(["eu", "us"])}
            ),
            "eu|2026-03-02",
        ),
    ],
    ids=["static", "hourly", "multi"],
)
def test_other_partitions_are_written_too(
    lance: Host, partitions: dg.PartitionsDefinition[Any], key: str
) -> None:
    result = lance.run([note("1")], partitions=partitions, partition_key=key)
    assert lance.numbers(result)["dagster/partition_row_count"] == 1
    complete = lance.run([note("1")], partitions=partitions, partition_key=key, complete=True)
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        assert complete.success
    else:
        assert "its partitions are no spans of time" in failure_text(complete)


def test_a_document_that_fails_is_quarantined_told_and_released_later(lance: Host) -> None:
    long_id = "x" * 600
    numbers = lance.numbers(lance.run([note("1"), note(long_id)]))
    assert (numbers["documents"], numbers["failed_documents"]) == (1, 1)
    assert "its record id is not ASCII of at most" in numbers["failures"][0]["cause"]
    assert numbers["run_quarantined_documents"] == 1
    again = lance.numbers(lance.run([note("1")], complete=True))
    assert (again["run_quarantined_documents"], again["run_released_documents"]) == (0, 1)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("text", "returned a str: it has to return vector_assets.Document objects"),
        ({"id": 1}, "returned a dict: it has to return"),
        (None, "returned a NoneType: it has to return"),
        (7, "returned a int: it has to return"),
        (note("1"), "Return [document]"),
        ([{"id": 1}], "item 1 for notes is a dict: each has to be a vector_assets.Document"),
        ([note("1"), "text"], "item 2 for notes is a str"),
        ([note("1"), note("1", "other words")], "two documents have the id 'notes:1'"),
        ([note("1", source="jira")], "is of the source 'jira', and the namespace is 'notes'"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_do(lance: Host, returned: Any, words: str) -> None:
    assert words in failure_text(lance.run(returned))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"namespace": "jira"}, "is used by vector-assets itself"),
        ({"namespace": "ledger"}, "is used by vector-assets itself"),
        ({"namespace": "A b"}, "it has to be at most 63 lower-case letters"),
        ({"complete": "yes"}, "vector_assets/complete is 'yes': set it to True or False"),
        ({"max_share": 2.0}, "vector_assets/max_share is 2.0: set it to a number from 0 to 1"),
        ({"name_space": "x"}, "vector_assets/name_space, which is not known"),
    ],
)
def test_wrong_metadata_is_refused(lance: Host, metadata: dict[str, Any], words: str) -> None:
    assert words in failure_text(lance.run([note("1")], **metadata))


def test_a_namespace_that_two_assets_write_is_never_complete(lance: Host) -> None:
    lance.run([note("1")])
    other = lance.run([note("2")], name="minutes", namespace="notes", complete=True)
    assert "notes has written to its namespace 'notes' as well" in failure_text(other)
    assert lance.ids() == {"notes:1"}


def test_pinecone_without_a_key_says_which_field_to_set(
    instance: dg.DagsterInstance, sandbox: Sandbox
) -> None:
    host = Host(PineconeIOManager(index="team"), Settings(), instance)
    assert 'api_key=dg.EnvVar("PINECONE_API_KEY")' in failure_text(host.run([note("1")]))


def test_a_key_from_a_variable_is_not_recorded(
    lance: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_OPENAI_KEY", lance.settings.openai_api_key.get_secret_value())
    base_url = lance.settings.openai_base_url
    lance.manager = LanceDBIOManager(
        uri=lance.settings.lancedb_uri,
        openai_api_key=dg.EnvVar("TEAM_OPENAI_KEY"),
        openai_base_url=base_url,
    )
    assert lance.run([note("1")]).success
    shown = json.dumps(lance.manager._get_non_default_public_field_values(), default=str)
    assert lance.settings.openai_api_key.get_secret_value() not in shown
