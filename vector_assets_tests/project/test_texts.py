"""Whatever a text is made of, it goes all the way into either index, and no word of it is lost.

Each case runs through source, chunker, embedder, store and search. docs/texts.md states the rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets.core.days import Days
from vector_assets.core.documents import RESTRICTED, Document, Section, clean_text
from vector_assets.core.meter import Meter
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.chunking import chunk_document
from vector_assets.embedding.local.embedder import LocalEmbedder, model_folder
from vector_assets.embedding.openai.embedder import OpenAIEmbedder
from vector_assets.pipeline.redaction.redact import redact_document
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores.base import Filter, Metadata, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import MAX_METADATA_BYTES, chunk_metadata, metadata_bytes
from vector_assets_tests.embedding.test_openai import build as build_openai
from vector_assets_tests.stores.test_pinecone import build as build_pinecone
from vector_assets_tests.stores.test_pinecone import make_vector_index
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

DAYS = Days(date(2026, 3, 1), date(2026, 3, 7))
NOW = utc("2026-03-10T06:00")
MAX_REQUEST_BYTES = 2_000_000

LOREM = "The label printer stopped when the carrier changed its key, and nobody was told. "

PAGE = "\n\n".join(f"## Part {n}\n\n{LOREM * 12}word{n}" for n in range(5_000))
PEOPLE = tuple(f"Person Number{n}" for n in range(10_000))
READERS = (RESTRICTED, *(f"person-{n}@example.com" for n in range(10_000)))


def of(*sections: Section, **fields: Any) -> Document:
    return replace(document("1", **fields), sections=sections)


CASES: dict[str, Document] = {
    "Arabic, with a number that runs the other way": document(
        "1", "تغيّر المفتاح 42 في «الميناء» أمس"),
    "Hebrew with vowel points": document("1", "הַמַּפְתֵּחַ הוּחְלַף אֶתְמוֹל"),
    "Chinese without spaces": document("1", "标签打印机停止了。" * 400, title="打印机"),
    "Japanese": document("1", "ラベルプリンターが止まりました。" * 300),
    "Thai without spaces": document("1", "เครื่องพิมพ์ฉลากหยุดทำงาน" * 200),
    "Hindi with joiners": document("1", "क्षत्रिय ने कुंजी बदल दी " * 100),
    "Vietnamese, decomposed": document("1", "Ma\u0301y in nha\u0303n đã dừng " * 50),
    "a dozen scripts in a line": document("1", "key ключ κλειδί բանալի გასაღები 열쇠 鍵 กุญแจ ቁልፍ"),
    "families of emoji": document("1", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇸🇪 " * 300),
    "a thousand accents on one letter": document("1", "a" + "\u0301" * 1_000 + " end"),
    "halves of surrogates": document("1", "broken \ud83d half \udc00 and whole \ud83d\ude80 pair"),
    "halves of surrogates wherever words stand": replace(
        document("1", "x", title="t \ud83d", url="https://e.example/\ud83d", container="c \udc00",
                 authors=("A \ud83d",), access=("public", "\udc00"), stamp="s \ud83d",
                 extra={"status": "open \ud83d", "labels": ["a \udc00"]}),
        sections=(Section("text", "head \ud83d", "https://e.example/#\ud83d"),),
    ),
    "NUL and other control characters": document("1", "be\x00fore \x01\x02 bell\x07 af\x7fter"),
    "soft line breaks of word processors": document("1", "one\x0btwo\x0cthree\x1ffour"),
    "names of special tokens": document(
        "1", "<|endoftext|> <|fim_prefix|> [CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <unk> " * 20),
    "quotes and back slashes": document("1", '\\" ' * 5_000 + "C:\\temp\\new"),
    "what looks like SQL": document("1'; DROP TABLE jira; --", "'; DELETE FROM jira WHERE ''='"),
    "white space of every kind": document("1", "a\u00a0b\u2003c\u3000d\u200be\u2028f\u0085g"),
    "a mark of byte order": document("1", "\ufeffbegins with a mark"),
    "non-characters and private use": document("1", "a \ufffe b \uffff c \U0010ffff d \ue000"),
    "HTML": document("1", "<p>It <b>stopped</b> &amp; nobody was told.</p><script>x()</script>"),
    "a page of five megabytes": document("1", PAGE),
    "a page of one megabyte in one line": document("1", LOREM * 13_000),
    "a megabyte of one letter": document("1", "x" * 1_000_000),
    "a megabyte of one script without spaces": document("1", "漢字" * 500_000),
    "a megabyte of emoji": document("1", "👩‍👩‍👧‍👦" * 140_000),
    "an empty page": of(Section(""), Section(" \n "), title=""),
    "a title alone": of(title="The printer stopped"),
    "a word of a hundred thousand letters": document("1", "before " + "x" * 100_000 + " after"),
    "a link of fifty thousand letters": document("1", "https://e.example/?q=" + "ab1-" * 12_500),
    "ten thousand tiny sections": of(*(Section(f"word{n}", f"Ann, {n}") for n in range(10_000))),
    "a title of a hundred kilobytes": document("1", "text", title=LOREM * 1_250),
    "a heading of a hundred kilobytes": of(Section("text", LOREM * 1_250)),
    "a container of ten kilobytes": document("1", "text", container=LOREM * 130),
    "ten thousand authors": document("1", "text", authors=PEOPLE),
    "ten thousand readers": document("1", "text", access=READERS),
    "ten thousand labels": document(
        "1", "text", extra={"labels": [f"l{n}" for n in range(10_000)]}),
    "a status of a hundred kilobytes": document("1", "text", extra={"status": LOREM * 1_250}),
    "a link of a hundred kilobytes": of(
        Section("text", url="https://e.example/#" + "x" * 100_000), url="https://e.example/1"),
    "everything too long at once": of(
        *(Section("“é” " * 900, '"' * 900, "https://e.example/" + "é" * 900) for _ in range(40)),
        title='"' * 90_000, container="é" * 9_000, url="https://e.example/" + "\\" * 9_000,
        authors=('"' * 400,) * 900,
        access=("restricted", *(f'"{n}"@e.example' for n in range(9_000))),
        extra={f"field_{n}": '"' * 9_000 for n in range(9)}),
}  # fmt: skip


class Sizes:
    """Middleware that notes the largest request to Pinecone."""

    def __init__(self) -> None:
        self.largest_bytes = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            total = 0

            async def counting() -> Message:
                nonlocal total
                message = await receive()
                total += len(message.get("body", b""))
                if scope["path"].startswith("/pinecone"):
                    self.largest_bytes = max(self.largest_bytes, total)
                return message

            await app(scope, counting, send)

        return measured


@pytest.fixture(scope="module")
def sizes() -> Sizes:
    return Sizes()


@pytest.fixture(scope="module", params=("lancedb", "pinecone documents", "pinecone vectors"))
def store(
    request: pytest.FixtureRequest, sizes: Sizes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VectorStore]:
    """Each store in turn; a case has a namespace of its own."""
    if request.param == "lancedb":
        yield LanceDBStore(str(tmp_path_factory.mktemp("texts")))
        return
    with running_sandbox(Workspace(), wrap=sizes.around) as sandbox:
        if request.param == "pinecone vectors":
            make_vector_index(sandbox)
        yield build_pinecone(sandbox)


def sync(store: VectorStore, embedder: Embedder, doc: Document) -> SyncReport:
    source = ListSource([doc])
    source.name = doc.source
    pipeline = Pipeline(source=source, target=target_of(store, embedder), meter=Meter())
    return write(pipeline.embedded_documents(DAYS, now=NOW))


def stored(store: VectorStore, doc: Document, embedder: Embedder) -> list[Metadata]:
    """Return the metadata of all chunks of the only document of a namespace, in order."""
    chunk_count = len(store.chunk_ids(doc.source, doc.id))
    assert chunk_count == store.count(doc.source)
    vector = embedder.embed_query("printer")
    reader = next((email for email in doc.access if "@" in clean_text(email)), "")
    where = Filter(viewer=clean_text(reader))
    with pytest.MonkeyPatch.context() as patch:
        # One search for a whole document; nobody but this test asks for so much.
        patch.setattr("vector_assets.sandbox.pinecone.routes.MAX_RESULT_BYTES", 10**9)
        hits = store.search_dense(doc.source, vector, where=where, limit=chunk_count)
    return sorted((hit.metadata for hit in hits), key=lambda record: int(str(record["chunk"])))


def squeezed(text: str) -> str:
    return "".join(text.split())


def lost_words(doc: Document, texts: Sequence[str]) -> set[str]:
    """Return the words that no chunk holds, neither whole nor in pieces that follow each other.

    A word longer than a piece may be, and a script without spaces, is cut; the pieces follow each
    other in neighbouring chunks, below the heading that stands above each.
    """
    headings = sorted({" ".join(section.heading.split()) for section in doc.sections}, key=len)
    kept: set[str] = set()
    passages = []
    for text in texts:
        kept.update(text.split())
        passage = text.partition("\n\n")[2]
        starts = (f"{heading}\n" for heading in headings if heading)
        start = next((start for start in starts if passage.startswith(start)), "")
        passages.append(passage.removeprefix(start))
    whole = squeezed("".join(passages))
    parts = [doc.title, doc.container]
    parts += [part for section in doc.sections for part in (section.heading, section.text)]
    wanted = {word for part in parts for word in part.split()}
    return {word for word in wanted - kept if word not in whole}


def check(doc: Document, records: Sequence[Metadata], report: SyncReport) -> None:
    """Hold a document as it stands in an index against the rules."""
    assert report.failures == []
    assert report.total.documents == 1
    assert report.total.chunks == len(records) > 0
    assert max(metadata_bytes(record) for record in records) <= MAX_METADATA_BYTES
    assert lost_words(doc, [str(record["text"]) for record in records]) == set()


@pytest.mark.parametrize("case", CASES)
def test_a_text_goes_all_the_way_and_loses_no_word(
    case: str, store: VectorStore, sizes: Sizes
) -> None:
    embedder = TinyEmbedder(chunk_tokens=400)
    doc = replace(CASES[case], source=f"case{list(CASES).index(case)}")
    report = sync(store, embedder, doc)
    records = stored(store, doc, embedder)
    check(doc, records, report)
    assert sizes.largest_bytes <= MAX_REQUEST_BYTES

    # What was found by all words is found by its own too.
    middle = str(records[len(records) // 2]["text"])
    reader = next((email for email in doc.access if "@" in email), "")
    hits = store.search_dense(
        doc.source, embedder.embed_query(middle), where=Filter(viewer=reader), limit=3
    )
    assert middle in [hit.metadata["text"] for hit in hits]

    again = TinyEmbedder(chunk_tokens=400)
    assert sync(store, again, doc).total.unchanged_documents == 1
    assert again.embedded_texts == []


MEGABYTES = (
    "a page of five megabytes",
    "a megabyte of one script without spaces",
    "a megabyte of emoji",
)
"""Go all the way with a small tokenizer above; OpenAI's takes a minute for each."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in MEGABYTES else case for case in CASES],
)
def test_the_tokens_of_openai_fit_and_lose_no_word(case: str, openai: OpenAIEmbedder,
                                                    tmp_path: Path) -> None:  # fmt: skip
    store = LanceDBStore(str(tmp_path / "lancedb"))
    report = sync(store, openai, CASES[case])
    records = stored(store, CASES[case], openai)
    check(CASES[case], records, report)
    assert (
        max(openai.tokenizer.count(str(record["text"])) for record in records)
        <= openai.chunk_tokens
    )


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIEmbedder]:
    with running_sandbox(Workspace()) as sandbox:
        yield build_openai(sandbox, Meter(), embedding_dimensions=64)


LOCAL_CASES = [
    case
    for case, doc in CASES.items()
    if sum(len(section.text) for section in doc.sections) < 200_000
]


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder(model_folder())


@pytest.mark.parametrize("case", LOCAL_CASES)
def test_the_tokens_of_the_local_model_fit_and_lose_no_word(
    case: str, local: LocalEmbedder
) -> None:
    doc = CASES[case]
    chunks = chunk_document(doc, local.tokenizer, local.chunk_tokens)
    assert lost_words(doc, [chunk.text for chunk in chunks]) == set()
    assert max(local.tokenizer.count(chunk.text) for chunk in chunks) <= local.chunk_tokens


def test_the_local_model_embeds_every_kind_of_text(local: LocalEmbedder, tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "lancedb"))
    sections = tuple(
        Section(section.text[:300]) for case in LOCAL_CASES for section in CASES[case].sections[:1]
    )
    doc = replace(document("1"), sections=sections)
    report = sync(store, local, doc)
    check(doc, stored(store, doc, local), report)


def test_readers_without_room_are_counted_and_told_and_never_let_in(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "lancedb"))
    embedder = TinyEmbedder()
    report = sync(store, embedder, CASES["ten thousand readers"])
    [gap] = report.gaps
    assert gap.subject == "documents in HAR for some of their readers"
    assert "do not find the document" in gap.reason
    [first, last] = [
        store.search_dense(
            "jira", embedder.embed_query("text"), where=Filter(viewer=viewer), limit=1
        )
        for viewer in ("person-0@example.com", "person-9999@example.com")
    ]
    assert [len(first), len(last)] == [1, 0]
    assert store.search_dense("jira", embedder.embed_query("text"), where=Filter(), limit=1) == []
    assert sync(store, embedder, document("1", "text", access=READERS[:300])).gaps == []


def test_a_link_that_is_too_long_gives_way_to_the_documents(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "lancedb"))
    embedder = TinyEmbedder()
    doc = CASES["a link of a hundred kilobytes"]
    sync(store, embedder, doc)
    assert [record["url"] for record in stored(store, doc, embedder)] == ["https://e.example/1"]


def test_authors_and_labels_stand_as_far_as_there_is_room(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "lancedb"))
    embedder = TinyEmbedder()
    doc = replace(CASES["ten thousand authors"], extra=CASES["ten thousand labels"].extra)
    sync(store, embedder, doc)
    [record] = stored(store, doc, embedder)
    assert record["authors"] == list(PEOPLE[: len(record["authors"])])
    assert len(record["authors"]) > 100
    assert record["labels"] == [f"l{n}" for n in range(len(record["labels"]))]
    assert len(record["labels"]) > 100


anything = st.text(max_size=300) | st.text(
    alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Lo", "Zs"]), max_size=60
)


@given(st.lists(st.builds(Section, anything, anything, anything), max_size=6), anything, anything)
@settings(deadline=None)
def test_any_text_at_all_is_planned_without_an_error(
    sections: list[Section], title: str, container: str
) -> None:
    doc = of(*sections, title=title, container=container, authors=(title,), stamp=container)
    [doc, _] = redact_document(doc)
    chunks = chunk_document(doc, TinyEmbedder().tokenizer, 50)
    for chunk in chunks:
        fields = chunk_metadata(doc, chunk, chunk_count=len(chunks), vector_spec="k")
        assert metadata_bytes(fields) <= MAX_METADATA_BYTES
    assert lost_words(doc, [chunk.text for chunk in chunks]) == set()
