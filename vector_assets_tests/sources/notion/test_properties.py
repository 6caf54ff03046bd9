"""Values of properties to text, type by type."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.sources.notion.properties import (
    is_cut,
    linked_title_of,
    property_text,
    title_of,
)
from vector_assets_tests.sources.notion.pages import ANN, BO, Json, mention, text


class Directory:
    """Knows Ann, and one page."""

    def user(self, user: Mapping[str, Any]) -> str:
        return str(user.get("name") or ("Ann Lee" if user.get("id") == ANN["id"] else ""))

    def page(self, page_id: str) -> str:
        return {"p1": "Launch"}.get(page_id, "")


def computed(kind: str, inner_kind: str, inner: Any) -> Json:
    return {"type": kind, kind: {"type": inner_kind, inner_kind: inner}}


SIGNED = "https://files.example/a/b/my%20plan.pdf?X-Amz-Signature=0123"
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
    *(
        (
            f"a rollup that counts {function}",
            {"type": "rollup", "rollup": {"type": "number", "number": 0.25, "function": function}},
            shown,
        )
        for function, shown in (
            ("percent_checked", "25%"),
            ("percent_unchecked", "25%"),
            ("percent_empty", "25%"),
            ("percent_not_empty", "25%"),
            ("sum", "0.25"),
            ("average", "0.25"),
        )
    ),
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
    ("someone unknown", {"type": "people", "people": [BO]}, "someone whose name is not shown"),
    (
        "several unknown people beside one",
        {"type": "people", "people": [BO, ANN, BO]},
        "Ann Lee, 2 people whose names are not shown",
    ),
    (
        "text with links",
        {
            "type": "rich_text",
            "rich_text": [
                text("see "),
                text("the spec ", href="https://s.example/v2"),
                text("https://s.example", href="https://s.example"),
                text(" or "),
                text("Plan", href="/01"),
            ],
        },
        "see [the spec](https://s.example/v2) https://s.example or [Plan](https://www.notion.so/01)",
    ),
    (
        "a link without href",
        {
            "type": "rich_text",
            "rich_text": [{**text("it", href="https://s.example"), "href": None}],
        },
        "[it](https://s.example)",
    ),
    ("a large number", {"type": "number", "number": 12345678901}, "12345678901"),
    ("a small number", {"type": "number", "number": 1e-7}, "0.0000001"),
    ("a whole number with a point", {"type": "number", "number": 3.0}, "3"),
    (
        "a file without a name",
        {"type": "files", "files": [{**FILES[0], "name": "", "file": {"url": SIGNED}}]},
        "my plan.pdf",
    ),
    ("a group", {"type": "people", "people": [{"object": "group", "name": "Ops"}]}, "Ops"),
    ("a created text that looks like an id", computed("formula", "string", ANN["id"]), ANN["id"]),
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
    ("a relation", {"type": "relation", "relation": [{"id": "p1"}]}, "Launch"),
    (
        "relations that are not shared",
        {"type": "relation", "relation": [{"id": "p2"}, {"id": "p1"}, {"id": "p3"}]},
        "Launch, 2 pages that are not shared",
    ),
    (
        "a relation that is not shared",
        {"type": "relation", "relation": [{"id": "p2"}]},
        "a page that is not shared",
    ),
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
        "verified for a time",
        {
            "type": "verification",
            "verification": {**VERIFIED, "date": {"start": "2026-03-02", "end": "2026-06-02"}},
        },
        "verified by Ann Lee until 2026-06-02",
    ),
    (
        "verified by someone who left",
        {"type": "verification", "verification": {"state": "expired", "verified_by": BO}},
        "expired by someone whose name is not shown",
    ),
    ("a place without a name", {"type": "place", "place": {"lat": 1.5, "lon": 2}}, "1.5, 2"),
    (
        "a place",
        {"type": "place", "place": {"name": "Depot", "address": "1 Quay", "lat": 1, "lon": 2}},
        "Depot, 1 Quay",
    ),
    ("a button", {"type": "button", "button": {}}, ""),
    ("a type of tomorrow", {"type": "mood", "mood": [{"name": "fine"}, "good"]}, "fine, good"),
    (
        "another one",
        {"type": "survey", "survey": {"id": ANN["id"], "answers": [{"q": "Why?", "a": 7}]}},
        "Why?, 7",
    ),
    ("a type that is not named", {"id": "x", "number": 7}, "7"),
    ("a signed address of tomorrow", {"type": "clip", "clip": {"url": SIGNED}}, "my plan.pdf"),
    ("an old shape", {"type": "select", "select": "High"}, "High"),
    ("options in an object", {"type": "multi_select", "multi_select": {"name": "a"}}, "a"),
    ("a number as text", {"type": "number", "number": "12"}, "12"),
]


@pytest.mark.parametrize(("what", "value", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_property_becomes_text(what: str, value: Json, wanted: str) -> None:
    assert property_text(value, Directory()) == wanted


def test_the_title_is_found_whatever_it_is_called() -> None:
    note = {"type": "rich_text", "rich_text": [text("No")]}
    assert title_of({"Note": note, "Aufgabe": {"type": "title", "title": [text("Yes")]}}) == "Yes"
    assert title_of({"Note": note}) == ""


def test_the_links_of_a_title_are_kept_beside_it() -> None:
    parts = [text("See "), text("the spec", href="https://s.example"), text(" first")]
    properties = {"Name": {"type": "title", "title": parts}}
    assert title_of(properties) == "See the spec first"
    assert linked_title_of(properties) == "See [the spec](https://s.example) first"
    assert linked_title_of({"Name": {"type": "title", "title": parts[:1]}}) == ""


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
NAMES = st.sampled_from(
    [
        *sorted({case[1].get("type", "") for case in CASES}),
        *("id", "type", "name", "array", "url", "start", "title", "plain_text", "href", "has_more"),
    ]
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


@st.composite
def odd_properties(draw: st.DrawFn) -> Any:
    """Draw a property of a documented type with any value, or any JSON at all."""
    kind = draw(NAMES)
    return draw(ANY_JSON | st.just(kind).flatmap(lambda k: st.builds(_of, st.just(k), ANY_JSON)))


def _of(kind: str, inner: Any) -> Json:
    return {"id": "x", "type": kind, kind: inner}


@given(odd=odd_properties())
@settings(max_examples=200, deadline=None)
def test_no_property_raises_whatever_its_value_is(odd: Any) -> None:
    assert isinstance(property_text(odd, Directory(), "euro"), str)
    assert isinstance(is_cut(odd), bool)
    title = {"type": "title", "title": [text("Words")]}
    assert isinstance(title_of({"Odd": odd}), str)
    assert isinstance(linked_title_of({"Odd": odd}), str)
    assert title_of({"Name": title, "Odd": odd}) == "Words"


@pytest.mark.parametrize("opening", ["[", '{"type": "formula", "formula": '])
def test_a_value_of_any_depth_is_shown_or_left_out(opening: str) -> None:
    inner: Any = "deep"
    for _ in range(5_000):
        inner = [inner] if opening == "[" else _of("formula", inner)
    assert property_text(_of("formula", inner), Directory()) == ""


@pytest.mark.parametrize(
    ("value", "wanted"),
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
def test_a_property_is_cut_where_a_page_shows_no_more(value: Json, wanted: bool) -> None:
    assert is_cut(value) is wanted
