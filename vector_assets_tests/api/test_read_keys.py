"""Keys of the routes that read, while the file changes: added, revoked, malformed, deleted."""

import logging
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import requests

from vector_assets.api.read_keys import ReadKeys
from vector_assets.core.errors import SettingsError
from vector_assets.core.read_keys import PUBLIC_ONLY, VIEWER, KeyFile, new_key
from vector_assets.core.settings import Settings
from vector_assets_tests.api.test_app import served

DAY = date(2026, 3, 2)
ROUTES = ("/api/sync-status", "/metrics", "/openapi.json", "/docs")


def add(path: Path, name: str) -> str:
    secret, key = new_key(name, PUBLIC_ONLY, DAY)
    KeyFile(str(path)).add(key)
    return secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "read-keys"


@pytest.fixture
def url(path: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server without READ_API_KEY that follows the file."""
    settings = Settings(
        lancedb_uri=str(tmp_path / "index"),
        read_keys_file=str(path),
        dagster_graphql_url="http://127.0.0.1:9/graphql",
        watch_seconds=0.2,
    )
    with served(settings, tmp_path / "serve") as (address, _):
        yield address


def status(url: str, route: str, secret: str) -> int:
    return requests.get(f"{url}{route}", headers=bearer(secret), timeout=60).status_code


def test_a_running_server_follows_what_is_added_and_revoked(url: str, path: Path) -> None:
    refused = requests.get(f"{url}/api/sync-status", headers=bearer("x"), timeout=60)
    assert refused.status_code == 403
    assert "`vector-assets keys add`" in refused.json()["detail"]
    first, second = add(path, "first"), add(path, "second")
    for route in ROUTES:
        assert [status(url, route, secret) for secret in (first, second)] == [200, 200]
        assert status(url, route, first + "x") == 401
    KeyFile(str(path)).revoke("first")
    for route in ROUTES:
        assert [status(url, route, secret) for secret in (first, second)] == [401, 200]
    KeyFile(str(path)).revoke("second")
    assert {status(url, route, second) for route in ROUTES} == {403}


BROKEN = (b"{", b"\xff", b"{}", b"garbage\n", b'{"name": "x", "name": "y"}')


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_becomes_malformed_changes_nothing(
    broken: bytes, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = add(path, "first")
    keys = ReadKeys(Settings(read_keys_file=str(path)))
    other, line = new_key("other", PUBLIC_ONLY, DAY)
    path.write_bytes(line.as_line().encode() + b"\n" + broken)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert keys.match(secret) is not None
            assert keys.match(other) is None
    [record] = [each for each in caplog.records if "stay valid" in each.message]
    assert f"{path}, line 2" in record.message
    path.write_text(line.as_line())
    assert keys.match(secret) is None
    assert keys.match(other) is not None


def test_a_file_that_is_deleted_holds_no_keys(path: Path) -> None:
    secret = add(path, "first")
    keys = ReadKeys(Settings(read_keys_file=str(path)))
    path.unlink()
    assert keys.match(secret) is None
    again = add(path, "first")
    assert keys.match(again) is not None


def test_a_change_of_the_same_size_and_time_is_followed(path: Path) -> None:
    secret = add(path, "first")
    keys = ReadKeys(Settings(read_keys_file=str(path)))
    before = path.stat()
    KeyFile(str(path)).revoke("first")
    other = add(path, "other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert keys.match(secret) is None
    assert keys.match(other) is not None


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="READ_KEYS_FILE has to name a file"):
        ReadKeys(Settings(read_keys_file=str(tmp_path)))


def test_a_name_may_not_stand_in_both_places(path: Path) -> None:
    add(path, "first")
    _, line = new_key("first", VIEWER, DAY, viewer="ada@example.com")
    given = {"read_keys_file": str(path), "read_keys": line.as_line()}
    with pytest.raises(SettingsError, match="the name 'first' is given twice"):
        ReadKeys(Settings.model_validate(given))
