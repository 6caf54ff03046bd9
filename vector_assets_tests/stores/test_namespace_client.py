"""LanceDB starts without the client of namespace servers, and that client works when it is used.

Each test runs in a new interpreter, as an import changes its process for good.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OURS = "import vector_assets.stores.lancedb.store\n"
USES = """
import json, sys
import lancedb, lance_namespace, lance_namespace_urllib3_client as client
from lance_namespace import CreateTableRequest, ListTablesResponse, LanceNamespace
from lance_namespace_urllib3_client import TableApi
from pydantic import BaseModel, ValidationError

connection = lancedb.connect_namespace("dir", {"root": sys.argv[1]})
connection.create_table("letters", [{"id": "a", "vector": [1.0, 2.0]}])
listed = connection.list_tables()
try:
    ListTablesResponse(tables=7)
except ValidationError as error:
    refusal = error.errors()[0]["type"]
print(json.dumps({
    "rows": connection.open_table("letters").search([1.0, 2.0]).to_list()[0]["id"],
    "listed": [type(listed) is ListTablesResponse, listed.to_dict()],
    "refusal": refusal,
    "same": [client.ListTablesResponse is ListTablesResponse, client.TableApi is TableApi],
    "schema": sorted(CreateTableRequest.model_json_schema()["properties"]),
    "package": [type(client).__name__, client.__version__, "BranchApi" in dir(client)],
    "others": "defer_build" in BaseModel.model_config,
}))
"""


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_index_is_used_without_the_clients_functions(tmp_path: Path) -> None:
    imported = run(
        OURS + "from vector_assets.stores.lancedb.store import LanceDBStore\n"
        "import sys\n"
        "LanceDBStore(sys.argv[1]).open('letters', 2)\n"
        "print('lancedb' in sys.modules, 'lance_namespace_urllib3_client.api' in sys.modules)",
        str(tmp_path),
    )
    assert imported.split() == ["True", "False"]


@pytest.mark.parametrize("before", [OURS, "import lancedb\n" + OURS], ids=["ours", "host first"])
def test_a_namespace_connection_works_as_without_us(before: str, tmp_path: Path) -> None:
    assert run(before + USES, str(tmp_path / "with")) == run(USES, str(tmp_path / "without"))


@pytest.mark.parametrize("name", ["TableApi", "nothing_of_it"])
def test_the_package_is_complete_once_a_name_is_asked_for(name: str) -> None:
    code = f"""
import sys
import lance_namespace_urllib3_client as client
print(hasattr(client, {name!r}), sorted(vars(client)) != [], "TableApi" in vars(client))
scope = {{}}
exec("from lance_namespace_urllib3_client import *", scope)
print(sorted(scope.keys() - {{"__builtins__"}}))
"""
    assert run(OURS + code) == run(code)


def test_threads_that_ask_at_once_get_the_same() -> None:
    code = """
import lance_namespace_urllib3_client as client
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as threads:
    print(len(set(threads.map(lambda _: client.TableApi, range(8)))))
"""
    assert run(OURS + code).strip() == "1"
