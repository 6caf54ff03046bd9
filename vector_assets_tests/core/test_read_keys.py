"""Keys to read with: what is stored, what each may read, and files that are malformed."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.errors import ForeignViewerError, SettingsError, UsageError
from vector_assets.core.read_keys import (
    ANY_VIEWER,
    PUBLIC_ONLY,
    VIEWER,
    KeyFile,
    Reader,
    ReadKey,
    matching_key,
    new_key,
    parse_keys,
)

DAY = date(2026, 3, 2)
ADA = "ada@example.com"
EVE = "eve@example.com"


def line(**changes: Any) -> str:
    """Return a valid line with some fields changed; None removes one."""
    fields = {
        "name": "ada",
        "binding": "viewer",
        "viewer": ADA,
        "groups": [],
        "created": "2026-03-02",
        "sha256": "0" * 64,
        **changes,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def test_a_key_is_random_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    file = KeyFile(str(tmp_path / "keys"))
    secrets = []
    for name in ("ada", "eve"):
        secret, key = new_key(name, VIEWER, DAY, viewer=f"{name}@example.com")
        file.add(key)
        secrets.append(secret)
    text = file.path.read_text()
    assert len(set(secrets)) == 2
    assert all(len(secret) > 43 and secret not in text for secret in secrets)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
    keys = file.read()
    assert [matching_key(keys, secret) for secret in secrets] == list(keys)
    for wrong in ("", " ", secrets[0][:-1], keys[0].sha256, secrets[0].upper(), "é\udce9"[:1]):
        assert matching_key(keys, wrong) is None


@pytest.mark.parametrize(
    ("binding", "asked", "reader"),
    [
        (VIEWER, "", Reader(ADA, ("staff",))),
        (VIEWER, "  ", Reader(ADA, ("staff",))),
        (VIEWER, " ADA@Example.com ", Reader(ADA, ("staff",))),
        (ANY_VIEWER, "", Reader()),
        (ANY_VIEWER, "EVE@example.com", Reader(EVE)),
        (PUBLIC_ONLY, "", Reader()),
    ],
)
def test_a_key_reads_as_whom_it_is_bound_to(binding: str, asked: str, reader: Reader) -> None:
    bound: dict[str, Any] = {"viewer": ADA, "groups": ["Staff"]} if binding == VIEWER else {}
    _, key = new_key("key", binding, DAY, **bound)
    assert key.reader(asked) == reader


@pytest.mark.parametrize("asked", [EVE, "staff", "public", "restricted", "ada", f"{ADA},{EVE}"])
@pytest.mark.parametrize("binding", [VIEWER, PUBLIC_ONLY])
def test_a_bound_key_reads_for_nobody_else(binding: str, asked: str) -> None:
    bound: dict[str, Any] = {"viewer": ADA, "groups": ["staff"]} if binding == VIEWER else {}
    _, key = new_key("key", binding, DAY, **bound)
    with pytest.raises(ForeignViewerError, match="leave out `viewer`, or use a key"):
        key.reader(asked)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("va_read_secret", "not JSON"),
        ("[]", "not a JSON object"),
        ('"ada"', "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"created": ' + "1" * 5000 + "}", "a number is too long"),
        ('{"name": "a", "name": "b"}', "a field is given twice"),
        (line(sha256=None), "sha256 is missing"),
        (line(key="va_read_secret"), "unknown"),
        (line(name=""), "name has to be"),
        (line(name="two words"), "name has to be"),
        (line(name=7), "name has to be"),
        (line(binding="all"), "binding has to be one of any-viewer, public, viewer"),
        (line(binding=["viewer"]), "binding has to be one of"),
        (line(viewer=""), "viewer has to be an e-mail"),
        (line(viewer="public"), "viewer has to be an e-mail"),
        (line(viewer=None), "viewer has to be an e-mail"),
        (line(viewer="Ada@example.com"), "viewer has to be an e-mail in lower case"),
        (line(viewer="a@b@c"), "viewer has to be an e-mail"),
        (line(viewer="ada@example.com\u0000"), "viewer has to be an e-mail"),
        (line(viewer=[ADA]), "viewer has to be text"),
        (line(binding="public"), "only a key of the binding 'viewer' has a viewer"),
        (line(binding="any-viewer", viewer="", groups=["a"]), "only a key of the binding"),
        (line(groups="staff"), "groups has to be a list"),
        (line(groups=[""]), "a group has to be text"),
        (line(groups=[7]), "a group has to be text"),
        (line(groups=["restricted"]), "a group may not be 'restricted'"),
        (line(groups=["public"]), "a group may not be 'public'"),
        (line(created="yesterday"), "created has to be a day"),
        (line(created=20260302), "created has to be a day"),
        (line(sha256="A" * 64), "sha256 has to be"),
        (line(sha256="va_read_secret"), "sha256 has to be"),
        (line(name="first"), "the name 'first' is given twice"),
        (line(sha256="1" * 64), "'ada' and 'first' are the same key"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_malformed_line_is_named_without_its_text(text: str, wrong: str) -> None:
    first = line(name="first", sha256="1" * 64)
    with pytest.raises(SettingsError, match=f"READ_KEYS, line 3: .*{wrong}") as refusal:
        parse_keys(f"{first}\n\n{text}\n", "READ_KEYS")
    assert "va_read_secret" not in str(refusal.value)


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(line().encode() + b"\n\xff\n")
    with pytest.raises(SettingsError, match="line 2: not UTF-8"):
        KeyFile(str(path)).read()


def test_a_name_is_taken_until_it_is_revoked(tmp_path: Path) -> None:
    file = KeyFile(str(tmp_path / "new" / "keys"))
    _, key = new_key("ada", PUBLIC_ONLY, DAY)
    file.add(key)
    with pytest.raises(UsageError, match="has a key named 'ada': choose another name, or revoke"):
        file.add(new_key("ada", ANY_VIEWER, DAY)[1])
    assert file.read() == (key,)
    with pytest.raises(UsageError, match="has no key named 'eve'"):
        file.revoke("eve")
    file.revoke("ada")
    assert file.read() == ()


def test_keys_that_are_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "keys")
    made = [new_key(f"key-{number}", PUBLIC_ONLY, DAY)[1] for number in range(24)]

    def add(key: ReadKey) -> None:
        KeyFile(path).add(key)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, made))
    assert {key.name for key in KeyFile(path).read()} == {key.name for key in made}


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("")
    link.symlink_to(real)
    KeyFile(str(link)).add(new_key("ada", PUBLIC_ONLY, DAY)[1])
    assert link.is_symlink()
    assert len(KeyFile(str(real)).read()) == 1
