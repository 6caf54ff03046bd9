"""Which constraints are read out of questions, and what holds for every question."""

from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.index.question.parse import MAX_PARSED_CHARACTERS, parse_question
from vector_assets.index.question.parsed import GivenFilters, Kind, ParseOptions

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OPTIONS = ParseOptions(now=NOW)
SOURCES = ("jira", "slack", "notion", "fireflies")

PIECES = (
    "last week", "since March", "in 2025", "between", "and", "what did", "Ann Lee", "say about",
    "comments by", "@ann", "in #plans", "jira tickets", "in slack", "meeting where",
    "in project HAR",
    '"carrier key"', "-android", "open issues", "still open", "latest", "may", "second", "HAR-41",
    "|", "'s", "2026-03-02", "the", "?", "３ May", "İn ıt", "\ud7ff", "\t", "１２",
)  # fmt: skip
questions = st.one_of(
    st.text(max_size=120), st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join)
)


def kinds(question: str, parse_options: ParseOptions = OPTIONS) -> set[str]:
    return {
        str(each.kind)
        for each in parse_question(question, SOURCES, parse_options=parse_options).constraints
    }


def test_the_questions_of_the_benchmark_are_understood() -> None:
    benchmark = typed_questions()
    asked = list(benchmark.read_questions())
    right = [each for each in asked if benchmark.constraints_in(each) == each.understood]
    assert len(asked) == 60
    assert len(right) >= benchmark.PROMISED_UNDERSTOOD


@pytest.mark.parametrize(
    "question",
    [
        "how do we open source it",
        "how do I open issues in GitHub",
        "the socket is still open",
        "why open the door",
        "latest version of the SDK",
        "the last release",
        "ti build -p ios",
        "java -jar app.jar --debug",
        "ls -la /tmp",
        "slack messages not delivered",
        "post errors in slack notifications",
        "which API calls are slow",
        "what does the service do",
        "mail ann@example.com",
        "PR #42 and C# code",
        "by hand, from scratch, by default",
        "an @Override annotation(x)",
        "Android: crash today in slack",
        'size 5" and 6" screens',
        "Invoice 2025-0117",
    ],
)
def test_plain_words_stay_words(question: str) -> None:
    parsed = parse_question(question, SOURCES, parse_options=OPTIONS)
    sure = [each for each in parsed.constraints if each.kind is not Kind.PERSON]
    assert sure == []


@pytest.mark.parametrize(
    "question",
    [
        "labels that are not in jira",
        "what is said of labels outside #plans",
        "labels -#plans",
        "labels -in:#plans",
        "docs on labels that aren't in slack",
        "tickets about labels, not in project HAR",
        "what changed, except last week",
        "labels, but not in 2025",
        "issues that were opened more than 2 weeks ago",
        "tickets older than last month",
        "not closed issues about labels",
        "which issues are not yet closed",
        "labels comments not by Ann Lee",
        "labels -from:ann",
        'labels -"carrier key"',
        'labels without "carrier key"',
    ],
)
def test_what_is_turned_round_is_never_read_as_its_opposite(question: str) -> None:
    turned = {"jira", "#plans", "slack", "HAR", "week", "2025", "month", "Ann", "ann", "carrier"}
    parsed = parse_question(question, SOURCES, parse_options=OPTIONS)
    for each in parsed.understood:
        assert not any(word in each.words for word in turned), each
        assert each.meaning != "Jira issues that are closed"


def test_words_between_a_negation_and_a_limit_leave_the_limit() -> None:
    assert kinds("why did it not finish last week") == {"time"}
    assert kinds("why didn't last week's sync end") == {"time"}
    assert kinds("is it not said in #plans") == {"container"}


def test_no_question_takes_long_because_its_words_can_be_read_in_two_ways() -> None:
    # Each of these words doubled the time: thirty of them would have taken hours.
    question = "most recent " * 30 + "x jira tickets on"
    assert len(question) <= MAX_PARSED_CHARACTERS
    assert kinds(question) == {"order"}


def test_what_was_heard_is_not_searched_for() -> None:
    parsed = parse_question(
        "what was decided about labels in #plans last week?", SOURCES, parse_options=OPTIONS
    )
    assert parsed.text == "what was decided about labels?"
    assert parsed.sources == ("slack",)
    assert [str(each) for each in parsed.understood] == [
        '"in #plans" as the channel #plans',
        '"last week" as activity from 2026-11-16 to before 2026-11-23',
    ]


def test_a_filter_that_is_given_wins_and_that_is_said() -> None:
    parsed = parse_question(
        "labels in #plans last week",
        SOURCES,
        given=GivenFilters(times=True, containers=True),
        parse_options=OPTIONS,
    )
    assert parsed.applied == ()
    assert parsed.text == "labels in #plans last week"
    assert [each.is_applied for each in parsed.understood] == [False, False]
    assert "a filter by time is given" in parsed.understood[1].meaning


def test_a_source_that_is_not_searched_is_no_constraint() -> None:
    assert parse_question("labels in #plans", ("jira",), parse_options=OPTIONS).sources == ("jira",)
    assert (
        parse_question("jira tickets about x", ("slack",), parse_options=OPTIONS).constraints == ()
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_can_be_taken_back(kind: Kind) -> None:
    question = (
        'latest jira tickets about "carrier keys" by Ann Lee in project HAR last week, '
        "which issues are still open -android"
    )
    everything = kinds(question)
    assert everything == set(map(str, Kind))
    assert str(kind) not in kinds(question, ParseOptions(ignored=frozenset({kind}), now=NOW))


def test_a_pasted_text_is_taken_word_for_word() -> None:
    text = "last week " * (MAX_PARSED_CHARACTERS // 10) + "x"
    assert kinds(text[:MAX_PARSED_CHARACTERS]) == {"time"}
    assert kinds(text) == set()


@settings(deadline=None)
@given(questions)
def test_every_question_can_be_understood(question: str) -> None:
    parsed = parse_question(question, SOURCES, parse_options=OPTIONS)
    assert parsed == parse_question(question, SOURCES, parse_options=OPTIONS)
    assert bool(parsed.text) is bool(question)
    assert set(parsed.sources) <= set(SOURCES)
    assert parsed.sources
    place = 0
    for each in parsed.constraints:
        assert place <= each.start < each.end <= len(question)
        place = each.end
        assert each.understood(question).words in question
    wider, dropped = parsed.wider(), 0
    while wider:
        wider, dropped = wider.wider(), dropped + 1
    assert dropped <= len(Kind)


@settings(deadline=None)
@given(questions)
def test_literal_hears_nothing(question: str) -> None:
    parsed = parse_question(question, SOURCES, parse_options=ParseOptions(literal=True, now=NOW))
    assert (parsed.constraints, parsed.text) == ((), question)
    assert parsed.sources == SOURCES


def typed_questions() -> ModuleType:
    """Return the benchmark that has questions as people type them."""
    path = Path(__file__).parents[3] / "benchmarks" / "typed_questions.py"
    spec = spec_from_file_location("typed_questions", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its dataclasses look themselves up there.
    __import__("sys").modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
