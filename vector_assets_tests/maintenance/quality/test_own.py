"""A team's own questions: a file that is checked line by line, and links that are looked up."""

from pathlib import Path

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.maintenance.quality.own import OwnQuestion, known_documents, read_own
from vector_assets.maintenance.quality.questions import Kind
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.quality.town import NIGHT, PRIVATE, Town
from vector_assets_tests.support.tiny import TinyEmbedder


def written(folder: Path, text: str) -> str:
    path = folder / "questions.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_questions_have_a_link_or_several(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "# asked most\n"
        "- question: How do I reset the VPN?\n"
        "  document: https://acme.atlassian.net/browse/OPS-1\n"
        '- {question: "Who is on call?", documents: [a, b]}\n',
    )
    first, second = read_own(path)
    assert first == OwnQuestion(
        "How do I reset the VPN?", ("https://acme.atlassian.net/browse/OPS-1",), 2
    )
    assert (second.links, second.line) == (("a", "b"), 4)
    assert read_own("") == ()
    assert read_own(written(tmp_path, "# nothing yet\n")) == ()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("question: a\n", "line 1 of .* is no list"),
        ("- question: a\n  document: b\n- just a text\n", "line 3 of .* is no entry of question"),
        ("- question: a\n", "line 1 of .* has no document"),
        ("- document: b\n", "line 1 of .* has no question"),
        ("- question: a\n  document: b\n  link: c\n", "line 3 of .* has 'link'"),
        ("- question: a\n  document: []\n", "line 2 of .* has no document"),
        ("- question: ''\n  document: b\n", "line 1 of .* has a question that is no text"),
        ("- question: [a, b]\n  document: b\n", "line 1 of .* has a list as question"),
        ("- question: a\n  document: {b: c}\n", "line 2 of .* has a document that is no text"),
        ("- question: 'a\n", "line [12] of .* is no YAML"),
    ],
)
def test_what_is_not_as_wanted_is_told_by_its_line(tmp_path: Path, text: str, seen: str) -> None:
    with pytest.raises(SettingsError, match=rf"{seen}.*wanted is a list of entries such as"):
        read_own(written(tmp_path, text))


def test_a_file_that_is_not_there_or_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yml, which cannot be read: No such file"):
        read_own(str(tmp_path / "nowhere.yml"))
    many = written(tmp_path, "- {question: a, document: b}\n" * 201)
    with pytest.raises(SettingsError, match="has 201 questions, at most 200 are asked"):
        read_own(many)


def test_own_questions_are_reported_apart_and_unknown_links_by_name(tmp_path: Path) -> None:
    town = Town(LanceDBStore(str(tmp_path)), TinyEmbedder(256, 40), sources=["jira"])
    known = town.new("jira", town.now - NIGHT)
    private = town.new("jira", town.now - NIGHT, access=PRIVATE)
    town.write([known, private])
    key = known.extra["issue_key"]
    own = (
        OwnQuestion(known.title, (f"https://acme.atlassian.net/browse/{key}",), 1),
        OwnQuestion("By its id", (known.id, "https://acme.atlassian.net/browse/HAR-999"), 2),
        OwnQuestion("Nobody may read it", (private.id,), 3),
        OwnQuestion("No source knows it", ("https://example.com/page",), 4),
    )
    resolved = known_documents(town.store, own)
    assert [(each.kind, each.document_id) for each in resolved.questions] == [
        (Kind.OWN, known.id)
    ] * 2
    assert resolved.unknown_links == (
        "https://acme.atlassian.net/browse/HAR-999",
        private.id,
        "https://example.com/page",
    )
    night = town.examine(own=own)
    assert night.by_source["own"].asked == 2
    assert night.by_source["own"].hit_at_1 >= 0.5
    assert night.unknown_links == resolved.unknown_links
    assert known.title.split()[0].lower() not in str(town.ledger.entries("questions")).lower()
    # The next night they are compared, as the others.
    town.now += NIGHT
    again = town.examine(own=own)
    assert len(again.comparisons[0].pairs) == again.scores.asked + 2
