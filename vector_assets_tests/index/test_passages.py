"""Which chunks of a document are shown, over random documents and over those of real sources."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.chunking import chunk_document, passage_of
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.chunk_kinds import Kind, kind_of
from vector_assets.index.passages import MAX_FURTHER_CHUNKS, MAX_PASSAGES, choose, further_chunks
from vector_assets.index.ranking import Ranked
from vector_assets.index.search import find
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Source
from vector_assets.sources.jira.source import JiraSource
from vector_assets.stores.base import Hit
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import chunk_metadata, record_id
from vector_assets_tests.index.test_search import index
from vector_assets_tests.sources.fireflies import meetings
from vector_assets_tests.sources.jira import issues
from vector_assets_tests.sources.slack import team
from vector_assets_tests.support.tiny import TinyEmbedder, WordTokenizer, document, utc

CHUNK_TOKENS = 50
EVER = Window(utc("2026-01-01"), utc("2026-04-01"))
FILLER = "Ropes were counted, and later painted, beside quay seventeen. " * 3

QUESTION = (
    "The lamps went out at nine, the night shift cannot see where boats are moored, and the "
    "harbour master worries about the ferry that lands before sunrise."
)


def chunks_of(searched: Document) -> list[Hit]:
    """Return a document's chunks as hits, in the order of the document."""
    chunks = chunk_document(searched, WordTokenizer(), CHUNK_TOKENS)
    return [
        Hit(
            record_id(searched.id, chunk.ordinal),
            0.5,
            chunk_metadata(searched, chunk, chunk_count=len(chunks), vector_spec="tiny"),
        )
        for chunk in chunks
    ]


def ranked(hits: Sequence[Hit]) -> Ranked:
    return Ranked(str(hits[0].metadata["document_id"]), 1.0, tuple(hits))


words = st.text("abc é日", min_size=0, max_size=12)
texts = st.one_of(
    st.lists(words, max_size=80).map(" ".join),
    st.sampled_from(
        ["", "Thank you, bye-bye.", "- Status: Open\n- Type: Bug", "| a |\n| --- |", FILLER]
    ),
)
headings = st.sampled_from(
    ["", "Details", "Properties", "Keywords", "Description", "Ann, 00:00:07", "Comment by Ann"]
)
sections = st.builds(Section, texts, headings, st.sampled_from(["", "https://x.example/#here"]))
random_documents = st.builds(
    lambda source, title, parts, thread: replace(
        document("1", source=source, title=title, extra={"thread_ts": thread}),
        sections=tuple(parts),
    ),
    st.sampled_from(["jira", "slack", "notion", "fireflies", "files", "wiki"]),
    st.sampled_from(["", "Crane", "Crane and its ropes"]),
    st.lists(sections, max_size=8),
    st.sampled_from(["", "1.0"]),
)


@settings(deadline=None)
@given(random_documents, words, st.randoms(use_true_random=False), st.integers(1, 9))
def test_of_any_document_whole_passages_are_shown_in_reading_order(
    searched: Document, question: str, random: object, count: int
) -> None:
    every_hit = chunks_of(searched)
    hits = random.sample(every_hit, min(count, len(every_hit)))  # type: ignore[attr-defined]
    others = chunks_of(document("2", "Of another document altogether."))
    passages = choose(question, ranked(hits), [*every_hit[:2], *others])
    ordinals = [passage.chunk for passage in passages.shown]
    assert len(ordinals) <= MAX_PASSAGES
    assert ordinals == sorted(set(ordinals))
    by_ordinal = {hit.metadata["chunk"]: hit for hit in every_hit}
    for passage in passages.shown:
        fields = by_ordinal[passage.chunk].metadata
        assert passage.text.strip()
        assert passage.text in passage_of(str(fields["text"])) or passage.text == fields["title"]
        assert passage.url == fields["url"]
    assert passages.best in passages.shown or not passages.best.text
    assert choose(question, ranked(hits), [*every_hit[:2], *others]) == passages


@settings(deadline=None)
@given(random_documents, words)
def test_a_chunk_with_next_to_nothing_is_shown_only_where_there_is_nothing_else(
    searched: Document, question: str
) -> None:
    hits = chunks_of(searched)
    kinds = {hit.metadata["chunk"]: kind_of(hit.metadata) for hit in hits}
    shown = {kinds[passage.chunk] for passage in choose(question, ranked(hits)).shown}
    assert Kind.EMPTY not in shown or set(kinds.values()) == {Kind.EMPTY}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Thank you, bye-bye.", Kind.EMPTY),
        ("Thanks everyone! See you all next week.", Kind.EMPTY),
        ("Crane report", Kind.EMPTY),
        ("Contents\n- Ropes\n- Quays", Kind.EMPTY),
        ("- [Ropes](https://x.example/1)\n- [Quays](https://x.example/2)\n- [Cranes](#c)",
         Kind.EMPTY),
        ("1 Ropes .......... 4\n2 Quays .......... 9\n3 Cranes ......... 12", Kind.EMPTY),
        ("Port 8443.", Kind.SAID),
        ("起重机坏了", Kind.SAID),
        ("See [the ropes](https://x.example/1) before you paint the quay.", Kind.SAID),
    ],
)  # fmt: skip
def test_what_says_next_to_nothing_is_known_by_its_shape(text: str, kind: Kind) -> None:
    [hit] = chunks_of(document("1", text, title="Crane report", source="wiki"))
    assert kind_of(hit.metadata) is kind


def test_a_short_chunk_does_not_win_by_the_title_that_stands_above_it() -> None:
    """BM25 puts the shortest chunk first whose title has all the words."""
    long, short = f"The winch of the crane was replaced. {FILLER}", "Goodbye from quay nine."
    hits = chunks_of(
        document("1", long, *[FILLER] * 2, short, title="Crane winch", source="notion")
    )
    assert "Goodbye" in str(hits[-1].metadata["text"])
    assert choose("crane winch", ranked(hits[::-1])).best.chunk == 0


def ask(
    sources: Sequence[Source],
    folder: Path,
    question: str,
    *,
    chunk_tokens: int = CHUNK_TOKENS,
    **options: object,
) -> list[Answer]:
    """Sync sources into an index and ask it."""
    store, embedder = LanceDBStore(str(folder)), TinyEmbedder(chunk_tokens=chunk_tokens)
    documents = [
        item for source in sources for item in source.documents(EVER) if isinstance(item, Document)
    ]
    index(store, embedder, documents)
    answers: Answers = find(
        question,
        settings=Settings(vector_assets_sources=",".join({each.source for each in documents})),
        store=store,
        embedder=embedder,
        **options,  # type: ignore[arg-type]
    )
    return list(answers.answers)


def test_of_a_meeting_speech_is_shown_and_its_keywords_only_rank(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.workspace.transcripts += [
        meetings.meeting(
            0,
            summary={
                "overview": "Crane winch budget discussed: crane winch budget.",
                "keywords": ["crane", "winch", "budget"],
            },
            sentences=[
                meetings.sentence(1, f"Let us begin. {FILLER}"),
                meetings.sentence(70, f"The winch costs nine thousand, we pay it in May. {FILLER}"),
                meetings.sentence(140, FILLER),
                meetings.sentence(210, f"{FILLER}"),
                meetings.sentence(280, "Thank you, bye-bye."),
            ],
        )
    ]
    [answer] = ask([meetings.source(sandbox)], tmp_path, "crane winch budget")
    assert "nine thousand" in answer.passage
    assert answer.url.endswith("?t=70")
    assert not any("Keywords" in passage.text for passage in answer.passages)
    assert not any("bye-bye" in passage.text for passage in answer.passages)


def test_a_meeting_that_has_only_a_summary_shows_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.workspace.transcripts += [meetings.meeting(0, sentences=[])]
    [answer] = ask([meetings.source(sandbox)], tmp_path, "is the crane late?")
    assert "The crane is late." in answer.passage


def test_of_an_issue_prose_is_shown_before_its_fields(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.workspace.issues += [
        issues.issue(
            1,
            summary="Winch breaks",
            description=issues.adf("The brake of the winch slips when it rains."),
            labels=["winch", "brake"],
            comments=(issues.comment(3, f"Greased the brake of the winch. {FILLER}"),),
        )
    ]
    [answer] = ask([jira(sandbox)], tmp_path, "brake slips")
    assert answer.passage.startswith("Description\nThe brake of the winch slips")
    assert "- Priority: High" not in answer.passage
    comment = answer.passages[-1]
    assert comment.url.endswith("/browse/HAR-1?focusedCommentId=5003")
    assert "Greased" in comment.text


@pytest.mark.parametrize("question", ["HAR-1", "status of HAR-1", "who is assigned to HAR-1?"])
def test_the_fields_of_an_issue_are_shown_to_who_asks_for_them(
    sandbox: Sandbox, tmp_path: Path, question: str
) -> None:
    sandbox.workspace.issues += [issues.issue(1, assignee=issues.BO)]
    [answer] = ask([jira(sandbox)], tmp_path, question)
    assert "- Status: In Progress" in answer.passage
    assert "Words of issue 1." in answer.passage


def test_a_reply_is_shown_with_its_question(sandbox: Sandbox, tmp_path: Path) -> None:
    team.populate(sandbox)
    opened = team.say(sandbox, "2026-03-02T10:00", f"Why is the quay dark? {QUESTION}")
    for minute in range(10, 40, 10):
        team.say(sandbox, f"2026-03-02T10:{minute}", f"Still looking. {FILLER * 2}", thread=opened)
    reply = team.say(
        sandbox, "2026-03-02T11:00", f"A fuse had blown in kiosk four. {FILLER * 2}", thread=opened
    )
    answers = ask([team.source(sandbox)], tmp_path, "fuse blown kiosk", chunk_tokens=100)
    first, last = answers[0].passages[0], answers[0].passages[-1]
    assert "Why is the quay dark?" in first.text
    assert answers[0].passage == last.text
    assert "A fuse had blown" in last.text
    assert reply.replace(".", "") in last.url
    assert first.url != last.url


def test_speech_is_read_where_only_the_summary_of_a_meeting_was_hit(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.index.search.CANDIDATES", 1)
    sandbox.workspace.transcripts += [
        meetings.meeting(0, sentences=[meetings.sentence(70, f"It comes in May. {FILLER}")])
    ]
    [answer] = ask([meetings.source(sandbox)], tmp_path, "the crane is late")
    assert "It comes in May." in answer.passage
    assert answer.url.endswith("?t=70")


def test_the_question_of_a_thread_and_what_follows_are_read_beside_a_reply(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.index.search.CANDIDATES", 1)
    team.populate(sandbox)
    opened = team.say(sandbox, "2026-03-02T10:00", f"Why is it dark? {QUESTION}")
    team.say(sandbox, "2026-03-02T10:10", f"Fuse blown in the kiosk. {FILLER * 2}", thread=opened)
    team.say(sandbox, "2026-03-02T10:20", f"Light again. {FILLER * 2}", thread=opened)
    answer = ask([team.source(sandbox)], tmp_path, "fuse blown kiosk", chunk_tokens=100)[0]
    shown = [passage.text for passage in answer.passages]
    assert ["Why is it dark?" in shown[0], "Fuse blown" in shown[1], "Light again" in shown[2]] == [
        True, True, True
    ]  # fmt: skip


def test_chunks_are_read_only_where_hits_do_not_suffice_and_never_many() -> None:
    issue = chunks_of(document("1", *[FILLER] * 9, source="jira"))
    thread = chunks_of(document("2", *[FILLER] * 9, source="slack", extra={"thread_ts": "1.0"}))
    summary = [Section("The crane is late.", "Overview")]
    turns = [Section(FILLER, f"Ann, 00:0{n}:00", is_apart=True) for n in range(9)]
    meeting = chunks_of(
        replace(document("3", source="fireflies"), sections=(*summary, *turns * 30))
    )
    assert further_chunks([ranked(issue[4:5])]) == {}
    assert further_chunks([ranked(thread[4:5])]) == {"slack": ["slack:2#0", "slack:2#5"]}
    assert further_chunks([ranked(thread)]) == {}
    assert further_chunks([ranked([*meeting[:1], meeting[7]])]) == {}
    assert len(further_chunks([ranked(meeting[:1])] * 2)["fireflies"]) == MAX_FURTHER_CHUNKS


def jira(sandbox: Sandbox) -> Source:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return JiraSource.from_settings(Settings.model_validate(values), Meter())
