"""Values of properties to text, type by type."""

from collections.abc import Mapping
from typing import Any

import pytest

from vector_assets.sources.notion.properties import is_cut, property_text, title_of
from vector_assets_tests.sources.notion.pages import ANN, BO, Json, mention, text


class Directory:
    """Knows Ann, and one page."""

    def user(self, user: Mapping[str, Any]) -> str:
        return str(user.get("name") or ("Ann Lee" if user.get("id") == ANN["id"] else ""))

    def page(self, page_id: str) -> str:
        return {"p1": "Launch"}.get(page_id, "")


def computed(kind: str, inner_kind: str, inner: Any) -> Json:
    return {"type": kind, kind: {"type": inner_kind, inner_kind: inner}}


FILES = [
    {"name": "plan.pdf", "type": "file", "file": {"url": "https://signed", "expiry_time": "soon"}},
    {"name": "logo", "type": "external", "external": {"url": "https://e.example/l.png"}},
]
ARRAY = [
    {"type": "title", "title": [text("One")]},
    {"type": "number", "number": 0},
    {"type": "select", "select": None},
    {"type": "relation", "relation": [{"id": "p1"}]},
]
VERIFIED = {"state": "verified", "verified_by": ANN, "date": {"start": "2026-03-02"}}

CASES: list[tuple[str, Json, str]] = [
    ("a title", {"type": "title", "title": [text("A"), text("b", "bold")]}, "Ab"),
    ("text", {"type": "rich_text", "rich_text": [text("A "), mention("@Ann", user=ANN)]}, "A @Ann"),
    ("no text", {"type": "rich_text", "rich_text": []}, ""),
    ("a number", {"type": "number", "number": 2.5}, "2.5"),
    ("zero", {"type": "number", "number": 0}, "0"),
    ("no number", {"type": "number", "number": None}, ""),
    ("a choice", {"type": "select", "select": {"name": "High"}}, "High"),
    ("no choice", {"type": "select", "select": None}, ""),
    ("choices", {"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]}, "a, b"),
    ("no choices", {"type": "multi_select", "multi_select": []}, ""),
    ("a status", {"type": "status", "status": {"name": "Done"}}, "Done"),
    ("a day", {"type": "date", "date": {"start": "2026-03-02", "end": None}}, "2026-03-02"),
    (
        "a span of days",
        {"type": "date", "date": {"start": "2026-03-02", "end": "2026-03-05"}},
        "2026-03-02 to 2026-03-05",
    ),
    (
        "a time in its zone",
        {"type": "date", "date": {"start": "2026-03-02T10:00", "time_zone": "Europe/Berlin"}},
        "2026-03-02T10:00 (Europe/Berlin)",
    ),
    ("no day", {"type": "date", "date": None}, ""),
    ("people", {"type": "people", "people": [{**BO, "name": "Bo Ek"}, ANN]}, "Bo Ek, Ann Lee"),
    ("someone unknown", {"type": "people", "people": [BO]}, BO["id"]),
    ("files", {"type": "files", "files": FILES}, "plan.pdf, logo https://e.example/l.png"),
    ("ticked", {"type": "checkbox", "checkbox": True}, "yes"),
    ("not ticked", {"type": "checkbox", "checkbox": False}, "no"),
    ("an address", {"type": "url", "url": "https://u.example"}, "https://u.example"),
    ("an e-mail", {"type": "email", "email": "a@example.com"}, "a@example.com"),
    ("a phone", {"type": "phone_number", "phone_number": "+1-555-0100"}, "+1-555-0100"),
    ("a computed text", computed("formula", "string", "late"), "late"),
    ("a computed nothing", computed("formula", "string", None), ""),
    ("a computed number", computed("formula", "number", 3), "3"),
    ("a computed truth", computed("formula", "boolean", False), "no"),
    ("a computed day", computed("formula", "date", {"start": "2026-03-02"}), "2026-03-02"),
    ("a relation", {"type": "relation", "relation": [{"id": "p1"}, {"id": "p2"}]}, "Launch, p2"),
    ("a rollup of a number", computed("rollup", "number", 7), "7"),
    ("a rollup of days", computed("rollup", "date", {"start": "2026-03-02"}), "2026-03-02"),
    ("a rollup of everything", computed("rollup", "array", ARRAY), "One, 0, Launch"),
    ("a rollup that is not ready", computed("rollup", "incomplete", {}), ""),
    ("who created", {"type": "created_by", "created_by": ANN}, "Ann Lee"),
    ("when created", {"type": "created_time", "created_time": "2026-03-02"}, "2026-03-02"),
    ("who edited", {"type": "last_edited_by", "last_edited_by": ANN}, "Ann Lee"),
    ("when edited", {"type": "last_edited_time", "last_edited_time": "2026-03-02"}, "2026-03-02"),
    ("an id", {"type": "unique_id", "unique_id": {"prefix": "TASK", "number": 12}}, "TASK-12"),
    ("an id alone", {"type": "unique_id", "unique_id": {"prefix": None, "number": 0}}, "0"),
    ("verified", {"type": "verification", "verification": VERIFIED}, "verified by Ann Lee"),
    (
        "not verified",
        {"type": "verification", "verification": {"state": "unverified", "verified_by": None}},
        "unverified",
    ),
    (
        "a place",
        {"type": "place", "place": {"name": "Depot", "address": "1 Quay", "lat": 1, "lon": 2}},
        "Depot, 1 Quay",
    ),
    ("a button", {"type": "button", "button": {}}, ""),
    ("a type of tomorrow", {"type": "mood", "mood": [{"name": "fine"}, "good"]}, "fine, good"),
]


@pytest.mark.parametrize(("what", "given", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_property_becomes_text(what: str, given: Json, wanted: str) -> None:
    assert property_text(given, Directory()) == wanted


def test_the_title_is_found_whatever_it_is_called() -> None:
    note = {"type": "rich_text", "rich_text": [text("No")]}
    assert title_of({"Note": note, "Aufgabe": {"type": "title", "title": [text("Yes")]}}) == "Yes"
    assert title_of({"Note": note}) == ""


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "relation", "relation": [{"id": "p"}] * 24, "has_more": False}, False),
        ({"type": "relation", "relation": [{"id": "p"}], "has_more": True}, True),
        ({"type": "relation", "relation": [{"id": "p"}] * 25}, True),
        ({"type": "people", "people": [ANN] * 25}, True),
        (computed("rollup", "array", [ARRAY[0]] * 25), True),
        (computed("rollup", "array", ARRAY), False),
        (computed("rollup", "number", 25), False),
        ({"type": "rich_text", "rich_text": [text("a")] * 99}, False),
        ({"type": "rich_text", "rich_text": [mention("@Ann", user=ANN)] * 25}, True),
        ({"type": "multi_select", "multi_select": [{"name": "a"}] * 99}, False),
    ],
)
def test_a_property_is_cut_where_a_page_shows_no_more(given: Json, wanted: bool) -> None:
    assert is_cut(given) is wanted
