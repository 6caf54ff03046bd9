"""Who reads what: each face, each kind of key, each viewer, each document."""

from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets_tests.api.agents.desk import (
    ALL,
    ANN,
    BOB,
    PUBLIC,
    READABLE,
    Desk,
    Stdio,
    over_http,
)

REFUSED = None
"""In place of readable documents: the viewer may not be named with the key."""

MATRIX: list[tuple[str, str, set[str] | None]] = [
    ("shared", "", PUBLIC),
    ("shared", ANN, READABLE[ANN]),
    ("shared", BOB, READABLE[BOB]),
    ("shared", "restricted", PUBLIC),
    ("shared", "staff", PUBLIC),
    ("backend", "", PUBLIC),
    ("backend", f" {BOB.upper()} ", READABLE[BOB]),
    ("backend", "eve@example.com", PUBLIC),
    ("ann", "", READABLE[ANN]),
    ("ann", ANN.title(), READABLE[ANN]),
    ("ann", BOB, REFUSED),
    ("ann", "staff", REFUSED),
    ("ann", f"{ANN},{BOB}", REFUSED),
    ("ann-staff", "", READABLE[f"{ANN}+staff"]),
    ("ann-staff", BOB, REFUSED),
    ("public", "", PUBLIC),
    ("public", ANN, REFUSED),
    ("public", "public", REFUSED),
]


def calls_for(viewer: str) -> list[tuple[str, dict[str, Any]]]:
    """Return a search, and an attempt to open each document."""
    named = {"viewer": viewer} if viewer else {}
    find = ("find_context", {"question": "crane report", "limit": 50, **named})
    opens = [("open_document", {"document_id": each, **named}) for each in sorted(ALL)]
    return [find, *opens]


def check(said: list[Any], readable: set[str] | None, viewer: str) -> None:
    """Compare what the tools said with what may be read."""
    found, *opened = said
    if readable is REFUSED:
        assert all(each.has_failed for each in said)
        assert all("viewer" in each.text for each in said)
        return
    assert {answer["document_id"] for answer in found.data["answers"]} == readable
    may_open = dict(zip(sorted(ALL), opened, strict=True))
    assert {name for name, each in may_open.items() if not each.has_failed} == readable
    refusals = {each.text.replace(name, "X") for name, each in may_open.items() if each.has_failed}
    assert len(refusals) == 1


@pytest.mark.parametrize(("key", "viewer", "readable"), MATRIX)
def test_over_http(desk: Desk, key: str, viewer: str, readable: set[str] | None) -> None:
    answer = requests.get(
        f"{desk.url}/api/find-context",
        params={"q": "crane report", "limit": "100", "viewer": viewer},
        headers={"Authorization": f"Bearer {desk.keys[key]}"},
        timeout=60,
    )
    if readable is REFUSED:
        assert answer.status_code == 403
        assert "leave out `viewer`, or use a key" in answer.json()["detail"]
        return
    assert {each["document_id"] for each in answer.json()["answers"]} == readable


@pytest.mark.parametrize(("key", "viewer", "readable"), MATRIX)
def test_over_mcp_http(desk: Desk, key: str, viewer: str, readable: set[str] | None) -> None:
    check(over_http(desk, key, calls_for(viewer)), readable, viewer)


@pytest.mark.parametrize(
    ("started_for", "viewer", "readable"),
    [
        ("", "", PUBLIC),
        ("", ANN, REFUSED),
        (ANN.upper(), "", READABLE[ANN]),
        (ANN, ANN, READABLE[ANN]),
        (ANN, BOB, REFUSED),
    ],
)
def test_over_mcp_stdio(
    desk: Desk,
    stdio: Stdio,
    started_for: str,
    viewer: str,
    readable: set[str] | None,
    tmp_path: Path,
) -> None:
    words = ("--viewer", started_for) if started_for else ()
    check(stdio.ask(desk, tmp_path, calls_for(viewer), *words), readable, viewer)


def test_a_document_that_may_not_be_read_looks_like_one_that_does_not_exist(desk: Desk) -> None:
    ids = ["jira:bob", "jira:none", "notion:bob", "unknown:bob", "jira:", "jira:ann#0", "jira",
           "é:é", "jira:ann' OR 'a'='a", "jira:" + "x" * 600, "jira:ann\n", "JIRA:ann"]  # fmt: skip
    said = over_http(desk, "ann", [("open_document", {"document_id": each}) for each in ids])
    texts = {each.text.replace(repr(name), "X") for name, each in zip(ids, said, strict=True)}
    assert all(each.has_failed for each in said)
    assert len(texts) == 1
