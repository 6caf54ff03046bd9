"""`vector-assets import` as a real process, over a store that speaks S3: killed, and run again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.deploy.object_store import BUCKET, running_object_store
from vector_assets_tests.maintenance.bulk_import.teams import Team
from vector_assets_tests.stores.test_pinecone import make_vector_index
from vector_assets_tests.support.patience import waited_for

IMPORTS = "/pinecone/vector-assets/bulk/imports"
STAGING = f"s3://{BUCKET}/staging"
PATIENCE_SECONDS = 120.0

# The sandbox shows a write at once, and its imports take no ten minutes.
COMMAND = (
    "from vector_assets.maintenance.bulk_import import importer; importer.POLL_SECONDS = 0.05; "
    "importer.SEEN_WITHIN_SECONDS = 0.0; "
    "from vector_assets.stores.pinecone.store import PineconeStore; "
    "PineconeStore.seen_within_seconds = 0.0; "
    "from vector_assets.cli.main import main; main()"
)


class Operator:
    """Runs commands with the settings of a team, and the keys of an object store."""

    def __init__(self, team: Team, folder: Path, keys: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **os.environ, **team.served.environment, **keys,
            "LANCEDB_URI": team.lancedb, "EMBEDDING_DIMENSIONS": "64",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }  # fmt: skip

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words], env=self.environment, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err


def test_a_command_that_is_killed_while_it_waits_finds_its_import_and_ends_it(
    api: str, served: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    embedded: list[str],
) -> None:  # fmt: skip
    with running_object_store(tmp_path / "object-store.log") as keys:
        for name, value in keys.items():
            monkeypatch.setenv(name, value)  # The sandbox reads there, too.
        if api == "vectors":
            make_vector_index(served, 64)
        team = Team(served, tmp_path)
        team.fill()
        operator = Operator(team, tmp_path, keys)
        served.conditions.import_seconds = 3600.0

        process = operator.start("import", "--staging", STAGING)
        asked = served.conditions.requests
        waited_for(
            lambda: process.poll() is not None or asked(IMPORTS)[f"GET {IMPORTS}/1"] > 3,
            "the command asks how its import is", patience_seconds=PATIENCE_SECONDS, logs=tmp_path,
        )  # fmt: skip
        has_died = process.poll() is None
        process.kill()
        said = process.communicate()
        assert has_died, said

        code, _, err = operator.run("sync", "jira")
        assert (code, "being filled by an import" in err) == (1, True), err
        served.conditions.import_seconds = 0.0
        code, out, err = operator.run("import", "--staging", STAGING, "--json")
        assert code == 0, err
        report: dict[str, Any] = json.loads(out)
        assert (report["stage"], report["import_id"], report["left_files"]) == ("done", "1", "")
        assert asked(IMPORTS)[f"POST {IMPORTS}"] == 1
        team.assert_imported()

        embedded.clear()
        assert sum(one.total.documents for one in team.night()) > 20
        assert embedded == []


def test_the_command_says_how_it_is_used(served: Sandbox, tmp_path: Path) -> None:
    operator = Operator(Team(served, tmp_path), tmp_path, {})
    code, _, err = operator.run("import")
    assert (code, "--staging is not given" in err) == (2, True)
    code, _, err = operator.run("import", "--cancel", "--staging", STAGING)
    assert (code, "it is used alone" in err) == (2, True)
    assert operator.run("import", "--cancel")[:2] == (0, "nothing to take back\n")
    code, _, err = operator.run("import", "--staging", "bucket/prefix")
    assert (code, "'bucket/prefix' is no folder of an object store" in err) == (2, True)
