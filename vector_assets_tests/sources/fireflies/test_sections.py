"""How a transcript reads: turns of one speaker, cut where a link should lead near."""

from typing import Any

import pytest

from vector_assets.core.documents import Section
from vector_assets.sources.fireflies.sections import sections_of, speakers_of
from vector_assets_tests.sources.fireflies.meetings import FIRST, meeting, sentence


def turns(*sentences: dict[str, Any], url: str = "https://f.example/v/1") -> list[Section]:
    transcript = meeting(0, sentences=list(sentences), transcript_url=url, summary=None)
    return list(sections_of(transcript, FIRST))[1:]


def test_sentences_of_one_speaker_are_one_turn() -> None:
    sections = turns(sentence(0, "One."), sentence(2, "Two."), sentence(4, "Three.", "Bo", 1))
    assert [(turn.heading, turn.text) for turn in sections] == [
        ("Ann Lee, 00:00:00", "One. Two."),
        ("Bo, 00:00:04", "Three."),
    ]


def test_a_long_turn_is_cut_between_sentences_about_each_minute() -> None:
    sections = turns(*(sentence(10 * n, f"S{n}.") for n in range(15)))
    assert [turn.url.partition("?t=")[2] for turn in sections] == ["0", "70", "140"]
    assert " ".join(turn.text for turn in sections) == " ".join(f"S{n}." for n in range(15))


def test_a_turn_after_hours_shows_its_time_and_links_to_it() -> None:
    [turn] = turns(sentence(3_725.9, "Still here."))
    assert turn.heading == "Ann Lee, 01:02:05"
    assert turn.url == "https://f.example/v/1?t=3725"


def test_a_link_that_has_a_question_mark_gets_no_second() -> None:
    [turn] = turns(sentence(5, "Hi."), url="https://f.example/v?id=1")
    assert turn.url == "https://f.example/v?id=1&t=5"


def test_a_meeting_without_a_link_has_turns_without_links() -> None:
    assert [turn.url for turn in turns(sentence(5, "Hi."), url="")] == [""]


def test_silence_is_no_turn_and_parts_none() -> None:
    sections = turns(
        sentence(0, "One."), sentence(1, None, "Bo"), sentence(2, " "), sentence(3, "Two.")
    )
    assert [turn.text for turn in sections] == ["One. Two."]


def test_a_speaker_without_a_name_is_told_by_number() -> None:
    said = [
        sentence(0, "a", None, 0),
        sentence(1, "b", " ", 1),
        sentence(2, "c", None, None),
        sentence(3, "d", None, 0),
    ]
    assert speakers_of({"sentences": said}) == ["Speaker 1", "Speaker 2", "Speaker"]
    assert len(turns(*said)) == 4


def test_facts_leave_out_what_is_not_known() -> None:
    [facts] = sections_of({"sentences": [], "duration": 12.4}, FIRST)
    assert facts.text == "- Date: 2026-03-02 10:00 UTC\n- Duration: 12 minutes"
    full, *_ = sections_of(meeting(0), FIRST)
    assert "- Speakers: Ann Lee, Bo Ek" in full.text
    assert "- Organizer: ann@example.com" in full.text


def summary_of(**fields: Any) -> dict[str, str]:
    sections = sections_of(meeting(0, sentences=[], summary=fields), FIRST)
    return {section.heading: section.text for section in sections if section.heading != "Meeting"}


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("overview", "Overview"),
        ("action_items", "Action items"),
        ("outline", "Outline"),
        ("notes", "Notes"),
        ("shorthand_bullet", "In detail"),
        ("bullet_gist", "Key points"),
        ("short_summary", "Summary"),
        ("short_overview", "Short overview"),
        ("gist", "Gist"),
    ],
)
def test_each_telling_of_a_meeting_is_a_section(name: str, heading: str) -> None:
    assert summary_of(**{name: "The crane is late."}) == {heading: "The crane is late."}


def test_lists_are_items_and_keywords_a_line() -> None:
    assert summary_of(
        keywords=["crane", "quay 4"],
        topics_discussed=["Delay of the crane", None, "Budget"],
        transcript_chapters=["IndexOpener", "Votes"],
        extended_sections=[{"title": "Risks", "content": "Ice."}],
    ) == {
        "Chapters": "- IndexOpener\n- Votes",
        "Topics": "- Delay of the crane\n- Budget",
        "Keywords": "crane, quay 4",
        "Risks": "Ice.",
    }


def test_a_telling_that_adds_no_word_is_left_out() -> None:
    assert summary_of(
        overview="The crane for quay 4 is late, so Bo asks the port.",
        gist="Crane late: Bo asks port",
        short_summary="Bo asks the port about the crane.",
        keywords=["crane", "quay 4"],
    ) == {
        "Overview": "The crane for quay 4 is late, so Bo asks the port.",
        "Summary": "Bo asks the port about the crane.",
    }


def test_facts_name_the_invited_and_the_kind_of_meeting() -> None:
    invited = [
        {"displayName": "Ann Lee", "email": "ann@example.com"},
        {"displayName": None, "name": "Cy Dahl"},
        {"displayName": "Ann Lee"},
        {"email": "nameless@example.com"},
    ]
    facts, *_ = sections_of(
        meeting(0, meeting_attendees=invited, summary={"meeting_type": "Stand-up"}), FIRST
    )
    assert "- Invited: Ann Lee, Cy Dahl\n" in facts.text
    assert "- Kind: Stand-up\n" in facts.text


def test_a_sentence_that_is_only_there_as_it_was_heard_is_not_lost() -> None:
    [turn] = turns({**sentence(0, None), "raw_text": "uh hello"})
    assert turn.text == "uh hello"


def test_a_telling_of_another_shape_keeps_its_words() -> None:
    assert summary_of(
        action_items={"Ann Lee": ["order a crane", "call the port"], "Bo": "rest"},
        outline=[{"title": "Votes", "start": 60}, ["One", "two"]],
        extended_sections=[{"title": "Risks", "content": ["Ice.", {"who": "Cy"}]}],
    ) == {
        "Action items": "Ann Lee: order a crane\ncall the port\nBo: rest",
        "Outline": "- title: Votes\nstart: 60\n- One\ntwo",
        "Risks": "Ice.\nwho: Cy",
    }


@pytest.mark.parametrize("summary", ["The crane is late.", ["The crane is late."]])
def test_a_summary_that_is_no_object_is_read(summary: Any) -> None:
    _, telling, *_ = sections_of(meeting(0, summary=summary), FIRST)
    assert (telling.heading, telling.text.removeprefix("- ")) == ("Summary", "The crane is late.")


def test_a_sentence_in_parts_keeps_its_words() -> None:
    [turn] = turns({**sentence(0, None), "text": ["One.", {"part": "Two."}]})
    assert turn.text == "One.\npart: Two."
