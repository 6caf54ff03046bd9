"""The sandbox's imports as Pinecone's SDK sees them: what is read, refused and told."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pinecone import Pinecone
from pinecone.errors import exceptions

from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.pinecone.store import VECTOR_FIELD
from vector_assets_tests.stores.test_pinecone import build, make_vector_index

GOOD = [{"_id": f"a:{n}#0", VECTOR_FIELD: [1.0, float(n)], "text": "x"} for n in range(3)]


def client(sandbox: Sandbox) -> Any:
    host = sandbox.environment["PINECONE_CONTROLLER_HOST"]
    return Pinecone(api_key="sandbox-pinecone-key", host=host).Index(host=f"{host}/vector-assets")


def lines(folder: Path, documents: list[dict[str, Any]], name: str = "jira/0.jsonl") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(one)}\n" for one in documents))
    return f"file://{folder}"


def ended(index: Any, uri: str, **options: Any) -> Any:
    return index.describe_import(index.start_import(uri, **options).id)


@pytest.fixture
def index(sandbox: Sandbox) -> Any:
    build(sandbox).open("jira", 2)
    return client(sandbox)


def test_a_folder_is_a_namespace_and_files_of_another_kind_are_passed_over(
    index: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    lines(tmp_path, GOOD)
    (tmp_path / "jira" / "0.log").write_text("not a document")
    found = ended(index, lines(tmp_path, GOOD[:2], "slack/1.jsonl"))
    assert (found.status, found.records_imported, found.error) == ("Completed", 5, None)
    assert found.percent_complete == 100
    assert (build(sandbox).count("jira"), build(sandbox).count("slack")) == (3, 2)


def test_a_bad_record_ends_an_import_unless_it_is_to_go_on(index: Any, tmp_path: Path) -> None:
    uri = lines(tmp_path, [*GOOD, {"_id": "a:9#0", VECTOR_FIELD: [1.0], "text": "short"}])
    found = ended(index, uri, error_mode="abort")
    assert found.status == "Failed"
    assert found.error.startswith("jira/0.jsonl: Vector dimension 1 does not match")
    assert ended(index, uri).status == "Failed", "to abort is what is done when nothing is said"
    found = ended(index, uri, error_mode="continue")
    assert (found.status, found.records_imported) == ("Completed", 3)


def test_a_namespace_that_exists_and_an_empty_folder_fail(index: Any, tmp_path: Path) -> None:
    assert ended(index, lines(tmp_path, GOOD)).status == "Completed"
    assert "already exists" in ended(index, f"file://{tmp_path}").error
    assert "no .jsonl files found" in ended(index, f"file://{tmp_path}/nowhere").error
    with pytest.raises(exceptions.PineconeError, match="invalid import URI"):
        index.start_import(str(tmp_path))
    assert [one.id for one in index.list_imports()] == ["3", "2", "1"]


def test_an_import_takes_its_time_and_is_cancelled_only_while_it_runs(
    index: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.conditions.import_seconds = 3600
    uri = lines(tmp_path, GOOD)
    first = ended(index, uri)
    assert (first.status, first.records_imported) == ("InProgress", 0)
    index.cancel_import(first.id)
    assert index.describe_import(first.id).status == "Cancelled"
    sandbox.conditions.import_seconds = 0
    second = ended(index, uri)
    index.cancel_import(second.id)
    assert index.describe_import(second.id).status == "Completed"


def test_an_index_of_vectors_reads_parquet(sandbox: Sandbox, tmp_path: Path) -> None:
    make_vector_index(sandbox, 2)
    lines(tmp_path, GOOD)
    rows = {"id": ["a:1#0"], "values": [[0.5, 0.5]], "metadata": ['{"text": "x"}'], "more": [1]}
    pq.write_table(pa.table(rows), tmp_path / "jira" / "0.parquet")
    found = ended(client(sandbox), f"file://{tmp_path}")
    assert (found.status, found.records_imported) == ("Completed", 1)
    [record] = build(sandbox).fetch("jira", ["a:1#0"])
    assert (record.vector.tolist(), record.metadata) == ([0.5, 0.5], {"text": "x"})
