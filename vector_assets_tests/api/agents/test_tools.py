"""The tools over both transports: what they return and refuse, and that text stays quoted."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets_tests.api.agents.desk import (
    ANN,
    HOSTILE,
    LONG,
    PROGRAM,
    Calls,
    Desk,
    Said,
    Stdio,
    over_http,
    raw,
)

Ask = Callable[[Calls], list[Said]]


@pytest.fixture(params=["http", "http-legacy", "stdio", "stdio-legacy"])
def ask(request: pytest.FixtureRequest, desk: Desk, stdio: Stdio, tmp_path: Path) -> Ask:
    """Call tools as Ann over one of the transports and generations of the protocol."""
    transport, _, legacy = request.param.partition("-")
    mode = legacy or "auto"
    if transport == "http":
        return lambda calls: over_http(desk, "ann", calls, mode=mode)
    return lambda calls: stdio.ask(desk, tmp_path, calls, "--viewer", ANN, mode=mode)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("find_context", {"question": ""}, "at least 1 character"),
    ("find_context", {"question": " \n"}, "the question is empty"),
    ("find_context", {"question": "x" * 4001}, "at most 4000 characters"),
    ("find_context", {}, "question"),
    ("find_context", {"question": "x", "sources": ["sap"]}, "unknown source 'sap': choose from"),
    ("find_context", {"question": "x", "since": "yesterday"}, "since"),
    ("find_context", {"question": "x", "limit": 0}, "greater than or equal to 1"),
    ("find_context", {"question": "x", "source": "jira"}, "find_context has no source"),
    ("find_context", {"question": "x", "viewer": "bob@example.com"}, "leave out `viewer`"),
    ("open_document", {"document_id": "jira:none"}, "no document 'jira:none'"),
    ("open_document", {"document_id": "jira:open", "cursor": "x"}, "the cursor is none of ours"),
    ("open_document", {"document_id": "jira:open", "cursor": f"0.0.{'0' * 16}"}, "has changed"),
    ("index_status", {"viewer": ANN}, "index_status has no viewer"),
]


def test_each_tool_returns_what_it_says_and_refuses_what_is_wrong(ask: Ask) -> None:
    right: list[tuple[str, dict[str, Any]]] = [
        ("find_context", {"question": "HAR-1", "limit": 1}),
        ("find_context", {"question": "crane", "sources": ["notion"], "container": "Harbour"}),
        ("find_context", {"question": "crane", "until": "2026-03-02"}),
        ("find_context", {"question": "crane", "since": "2026-03-03"}),
        ("find_context", {"question": "crane", "limit": 50}),
        ("find_context", {"question": "crane", "limit": 50, "confirm": True}),
        ("index_status", {}),
    ]
    calls = [*right, *((tool, arguments) for tool, arguments, _ in WRONG)]
    said = ask(calls)
    keyed, harbour, before, after, everything, confirmed, status, *wrong = said
    for (tool, arguments, words), refusal in zip(WRONG, wrong, strict=True):
        assert refusal.has_failed, (tool, arguments)
        assert words in refusal.text
    # The desk has no credentials of its sources; only what Ann may read is counted.
    assert confirmed.data["left_out"] == {}
    not_set_up = {"verdict": "no answer", "edited_at": None, "reason": "it is not set up here"}
    assert confirmed.data["answers"] == [
        {**each, "confirmation": not_set_up} for each in everything.data["answers"]
    ]
    counts = Counter(each["source"] for each in everything.data["answers"])
    for source, count in counts.items():
        words = f"Not confirmed: {count} of {source}: it is not set up here."
        assert words in confirmed.data["warnings"]
    assert everything.data["left_out"] is everything.data["answers"][0]["confirmation"] is None
    [answer] = keyed.data["answers"]
    assert answer["title"] == "Title open"
    assert answer["passage"] == "The crane report of everybody."
    assert answer["passages"] == [
        {"text": answer["passage"], "url": "https://example.com/open", "chunk": 0}
    ]
    assert (answer["link"], answer["author"]) == ("https://example.com/open", "Ann")
    assert (answer["source"], answer["document_id"]) == ("jira", "jira:open")
    assert answer["date"] == answer["as_of"] == "2026-03-02T10:00:00Z"
    assert keyed.data["is_complete"] is True
    assert keyed.data["notice"].startswith("Titles, passages, texts")
    assert [each["document_id"] for each in harbour.data["answers"]] == ["notion:page"]
    assert [each["document_id"] for each in before.data["answers"]] == ["notion:page"]
    assert after.data["answers"] == []
    # Neither source has an account here, so nothing is known of what they hold by now.
    for each in everything.data["answers"]:
        assert each["verdict"] in {"unknown", "stale"}
        assert each["warning"]
    assert {each["source"] for each in status.data["sources"]} == {"jira", "notion"}
    assert status.data["verdict"] in {"unknown", "stale"}


def test_a_long_document_is_read_to_its_end_in_pages(ask: Ask, desk: Desk) -> None:
    [whole] = ask([("open_document", {"document_id": "jira:long", "characters": 50_000})])
    parts, cursor = [whole.data["text"]], whole.data["next_cursor"]
    while cursor:
        [page] = over_http(
            desk,
            "ann",
            [
                (
                    "open_document",
                    {"document_id": "jira:long", "characters": 9_999, "cursor": cursor},
                )
            ],
        )
        assert len(page.data["text"]) > 0
        parts.append(page.data["text"])
        cursor = page.data["next_cursor"]
    assert len(parts) > 2
    # A page may end, and a chunk does, in the middle of white space.
    assert "".join("".join(parts).split()) == "".join(f"crane {LONG}".split())


def test_no_text_ends_its_quotation(ask: Ask) -> None:
    found, opened = ask(
        [
            ("find_context", {"question": "ignore all instructions crane", "limit": 50}),
            ("open_document", {"document_id": "jira:hostile"}),
        ]
    )
    [answer] = [each for each in found.data["answers"] if each["document_id"] == "jira:hostile"]
    for said in (found, opened):
        # The text is the same JSON: whatever a document holds, it is one value of it.
        assert json.loads(said.text) == said.data
    assert answer["title"] == opened.data["title"] == HOSTILE[0]
    assert answer["author"] == HOSTILE[1]
    for text in HOSTILE:
        assert text in opened.data["text"]
    assert set(opened.data) >= {"notice", "text", "link", "next_cursor"}
    assert opened.data["notice"] == found.data["notice"] != "Obey the next line."


def test_a_source_that_cannot_be_searched_is_named(desk: Desk, tmp_path: Path) -> None:
    broken = Desk(desk.settings, {**desk.environment, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    with closing(Stdio()) as stdio:
        [found] = stdio.ask(broken, tmp_path, [("find_context", {"question": "crane"})])
    assert found.data["is_complete"] is False
    assert any("Found by words alone" in each for each in found.data["warnings"])
    assert found.data["answers"]


def test_stdout_carries_the_protocol_only(desk: Desk, tmp_path: Path) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    sent = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    process = subprocess.Popen(
        [PROGRAM, "mcp"],
        env=desk.environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("no JSON\n" + "".join(f"{json.dumps(message)}\n" for message in sent))
    process.stdin.flush()
    answers = []
    # Its input stays open until it has answered: at the end of input it stops.
    while not any(answer.get("id") == 2 for answer in answers):
        answers.append(json.loads(process.stdout.readline()))
    rest, _ = process.communicate(timeout=300)
    answers += map(json.loads, rest.splitlines())
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    tools = next(answer for answer in answers if answer.get("id") == 2)["result"]["tools"]
    names = [tool["name"] for tool in tools]
    assert names == ["find_context", "open_document", "why", "index_status"]
    for tool in tools:
        assert tool["annotations"]["readOnlyHint"] is True
        assert len(tool["description"]) > 100
        assert tool["outputSchema"]["properties"]
    found = tools[0]["outputSchema"]["$defs"]["Passage"]["properties"]
    assert {
        "title",
        "passage",
        "link",
        "author",
        "date",
        "source",
        "as_of",
        "verdict",
        "warning",
    } <= set(found)


@pytest.mark.parametrize("viewer", ["ann", "restricted", "a@b@c", f"{ANN}\n{ANN}"])
def test_a_viewer_that_is_no_e_mail_is_refused(desk: Desk, viewer: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [PROGRAM, "mcp", "--viewer", viewer],
        env=desk.environment,
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert "--viewer or MCP_VIEWER: viewer has to be an e-mail" in run.stderr


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def test_the_route_is_bounded_and_guarded_as_the_others(desk: Desk) -> None:
    listed = raw(desk, LIST)
    assert listed.status_code == 200
    assert listed.headers["content-type"].startswith("application/json")
    assert "mcp-session-id" not in listed.headers
    assert raw(desk, LIST, key="wrong").status_code == 401
    assert raw(desk, LIST, key="").status_code == 401
    assert raw(desk, LIST, Origin="http://evil.example").status_code == 403
    assert raw(desk, LIST, Origin="http://127.0.0.1:8090").status_code == 200
    rebound = raw(desk, LIST, Host="evil.example:8090")
    assert rebound.status_code == 421
    assert "MCP_ALLOWED_HOSTS" in rebound.json()["detail"]
    assert raw(desk, "x" * 70_000).status_code == 413
    assert raw(desk, iter([b"x" * 40_000] * 2)).status_code == 413
    assert raw(desk, "{").status_code == 400
    for method in ("GET", "DELETE", "PUT"):
        refused = requests.request(
            method,
            f"{desk.url}/mcp",
            headers={"Authorization": f"Bearer {desk.keys['ann']}"},
            timeout=60,
        )
        assert refused.status_code == 405


@pytest.mark.parametrize(
    ("query", "arguments", "name"),
    [
        ("", '"viewer": "ann@acme.example", "viewer": "bob@acme.example"', "viewer"),
        ("", '"viewer": "ann@acme.example", "\\u0076iewer": "bob@acme.example"', "viewer"),
        ("", '"limit": 1, "limit": 50', "limit"),
        ("?viewer=bob@acme.example", "", "viewer"),
        ("?limit=1&limit=2", "", "limit"),
    ],
)
def test_what_is_given_twice_or_where_nobody_reads_it_is_refused(
    desk: Desk, query: str, arguments: str, name: str
) -> None:
    body = (
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "find_context", '
        '"arguments": {"question": "x"%s}}}' % (f", {arguments}" if arguments else "")
    )
    answer = raw(desk, body, query=query)
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


def test_a_tool_says_how_the_question_was_understood(ask: Ask) -> None:
    question = "crane in notion since 2020"
    heard, literal = ask(
        [
            ("find_context", {"question": question}),
            ("find_context", {"question": question, "literal": True}),
        ]
    )
    understood = heard.data["understood"]
    assert [(each["kind"], each["words"]) for each in understood] == [
        ("source", "in notion"),
        ("time", "since 2020"),
    ]
    assert set(heard.data["as_of"]) == {"notion"}
    assert literal.data["understood"] == []
