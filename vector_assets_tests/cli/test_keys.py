"""`vector-assets keys`: what is printed and what is refused."""

import json
from pathlib import Path

import pytest

from vector_assets_tests.cli.conftest import Run


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "read-keys"
    monkeypatch.setenv("READ_KEYS_FILE", str(path))
    return path


def test_a_key_is_printed_once_and_listed_without_it(run: Run, file: Path) -> None:
    words = ("ada", "--viewer", "Ada@example.com", "--group", "Staff")
    code, printed, said = run("keys", "add", *words)
    secret = printed.strip()
    assert (code, len(printed.splitlines())) == (0, 1)
    assert secret not in said
    _, text, _ = run("keys", "list")
    _, as_json, _ = run("keys", "list", "--json")
    [listed] = json.loads(as_json)
    assert listed["name"] == "ada"
    assert (listed["viewer"], listed["groups"]) == ("ada@example.com", ["staff"])
    assert "as ada@example.com, staff" in text
    assert listed["created"] in text
    hashed = json.loads(file.read_text())["sha256"]
    assert all(word not in text + as_json for word in (secret, hashed))
    assert run("keys", "revoke", "ada")[0] == 0
    assert run("keys", "list")[1] == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "ada"), "give exactly one of --viewer EMAIL, --any-viewer and --public"),
        (("add", "ada", "--viewer", " "), "give exactly one of"),
        (("add", "ada", "--public", "--any-viewer"), "give exactly one of"),
        (("add", "ada", "--public", "--group", "g"), "--group was given without --viewer"),
        (("add", "ada", "--viewer", "ada"), "viewer has to be an e-mail"),
        (("add", "a b", "--public"), "name has to be"),
        (("add", "ada", "--viewer", "a@b.c", "--group", "restricted"), "a group may not be"),
        (("add", "env", "--public"), "READ_KEYS has a key named 'env'"),
        (("revoke", "env"), "'env' is in READ_KEYS: remove its line there"),
        (("revoke", "ada"), "has no key named 'ada'"),
    ],
)
def test_wrong_use_is_refused(
    words: tuple[str, ...], said: str, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"name": "env", "binding": "public", "created": "2026-03-02", "sha256": "0" * 64}
    monkeypatch.setenv("READ_KEYS", json.dumps(fields))
    code, printed, error = run("keys", *words)
    assert (code, printed) == (2, "")
    assert said in error
    assert not file.exists()


def test_without_a_file_the_setting_is_named(run: Run) -> None:
    code, _, error = run("keys", "add", "ada", "--public")
    assert code == 2
    assert "READ_KEYS_FILE is not set" in error


def test_serve_refuses_to_start_with_a_malformed_file(run: Run, file: Path) -> None:
    file.write_text("\n{}\n")
    code, _, error = run("serve", "--port", "0")
    assert code == 1
    assert f"{file}, line 2: " in error
