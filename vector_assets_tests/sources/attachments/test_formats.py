"""A table of kinds, sizes and damages: each is read, or told as a gap by kind and reason."""

from collections.abc import Callable, Iterator

import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.sources.attachments.extractor import (
    BROKE_READER,
    TOO_SLOW,
    ExtractionLimits,
    Extractor,
)
from vector_assets.sources.attachments.formats import (
    DAMAGED,
    EMPTY,
    ENCRYPTED,
    TOO_MUCH_MEMORY,
    UNPACKS_TOO_LARGE,
    UnreadableError,
)
from vector_assets.sources.attachments.reader import (
    NO_ANSWER,
    NOT_READ,
    SWITCHED_OFF,
    Attachment,
    AttachmentOptions,
    AttachmentReader,
)
from vector_assets.sources.http.downloads import RefusedDownloadError, TooLargeError
from vector_assets_tests.sources.attachments import made
from vector_assets_tests.sources.attachments.made import WORD

HTML = f"""<html><head><title>Port</title><style>p {{color: red}}</style></head><body>
<h1>Cranes</h1><p>The <b>{WORD}</b> is late.<br>Really.</p><script>alert("hidden")</script>
<table><tr><td>a</td><td>b</td></tr></table></body></html>""".encode()


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    extractor = Extractor()
    yield extractor
    extractor.close()


def no_download() -> bytes:
    pytest.fail("it was downloaded")


def attachment(name: str, content: bytes | Callable[[], bytes], **more: object) -> Attachment:
    fetch = content if callable(content) else lambda: content
    return Attachment(name, name, fetch, **more)  # type: ignore[arg-type]


def told(reader: AttachmentReader) -> list[tuple[str, str, int]]:
    return [(gap.subject, gap.reason, gap.count) for gap in reader.gaps()]


READ = [
    ("a.txt", f"plain {WORD}\nnext line".encode(), f"plain {WORD}\nnext line"),
    ("umlaut.txt", f"Gr\xfc\xdfe {WORD}".encode("cp1252"), f"Grüße {WORD}"),
    ("wide.txt", f"wide {WORD}".encode("utf-16"), f"wide {WORD}"),
    ("b.md", f"# Title\n\n{WORD}".encode(), f"# Title\n\n{WORD}"),
    ("c.csv", f"port,crane\nBergen,{WORD}".encode(), f"port,crane\nBergen,{WORD}"),
    ("D.PDF", made.pdf(f"first {WORD}", "second"), f"first {WORD}\n\nsecond"),
    ("e.docx", made.word_document(WORD), f"## Plan\n\n{WORD}\n\n| port | Bergen |"),
    ("f.pptx", made.slides(WORD), f"{WORD}\n| crane | late |\nSay {WORD} aloud"),
    ("g.html", HTML, f"Port\nCranes\nThe {WORD} is late.\nReally.\na b"),
]


@pytest.mark.parametrize(("name", "content", "text"), READ, ids=[name for name, *_ in READ])
def test_a_file_of_a_kind_that_is_read_is_a_section(
    extractor: Extractor, name: str, content: bytes, text: str
) -> None:
    reader = AttachmentReader(AttachmentOptions(), extractor)
    [section] = reader.sections([attachment(name, content, url="https://x.example/a")])
    assert (section.heading, section.text) == (f"Attachment: {name}", text)
    assert section.url == "https://x.example/a"
    assert told(reader) == []


def too_large() -> bytes:
    raise TooLargeError("too many bytes")


def refused() -> bytes:
    raise RefusedDownloadError(403)


MB_10 = "larger than 10 MB"
TOLD = [
    ("locked.pdf", made.pdf("words", is_encrypted=True), "attachments (pdf)", ENCRYPTED),
    ("locked.docx", made.locked_office(), "attachments (docx)", ENCRYPTED),
    ("cut.pdf", made.pdf("words")[:40], "attachments (pdf)", DAMAGED),
    ("cut.docx", made.word_document("words")[:-300], "attachments (docx)", DAMAGED),
    ("cut.pptx", made.slides("words")[:2000], "attachments (pptx)", DAMAGED),
    ("no.txt", b"\0\1\2", "attachments (txt)", DAMAGED),
    ("no.docx", b"not an archive", "attachments (docx)", DAMAGED),
    ("bomb.docx", made.bomb, "attachments (docx)", UNPACKS_TOO_LARGE),
    ("scan.pdf", made.pdf(""), "attachments (pdf)", EMPTY),
    ("empty.txt", b"", "attachments (txt)", EMPTY),
    ("empty.html", b" ", "attachments (html)", EMPTY),
    ("lying.txt", too_large, "attachments (txt)", MB_10),
    ("secret.txt", refused, "attachments (txt)", "the download is refused: HTTP 403"),
]


@pytest.mark.parametrize(("name", "content", "subject", "reason"), TOLD, ids=[t[0] for t in TOLD])
def test_a_file_that_cannot_be_read_is_told_by_kind_and_reason(
    extractor: Extractor, name: str, content: bytes, subject: str, reason: str
) -> None:
    reader = AttachmentReader(AttachmentOptions(), extractor)
    assert reader.sections([attachment(name, content)]) == ()
    assert told(reader) == [(subject, reason, 1)]


def test_what_is_known_before_is_not_downloaded(extractor: Extractor) -> None:
    reader = AttachmentReader(AttachmentOptions(), extractor)
    claimed = attachment("huge.txt", no_download, claimed_bytes=1_000_000_000)
    kinds = ["a.png", "b.png", "c.xlsx", "plan.for ann", "d"]
    files = [claimed, *(attachment(name, no_download) for name in kinds)]
    assert reader.wanted(files) == []
    assert reader.sections([*files, *files]) == ()
    assert told(reader) == [
        ("attachments (other)", NOT_READ, 2),
        ("attachments (png)", NOT_READ, 2),
        ("attachments (txt)", MB_10, 1),
        ("attachments (xlsx)", NOT_READ, 1),
    ]


def test_nothing_is_downloaded_when_it_is_switched_off(extractor: Extractor) -> None:
    reader = AttachmentReader(AttachmentOptions(are_read=False), extractor)
    files = [attachment("a.txt", no_download), attachment("b.png", no_download)]
    assert reader.sections(files) == ()
    assert told(reader) == [
        ("attachments (png)", NOT_READ, 1),
        ("attachments (txt)", SWITCHED_OFF, 1),
    ]


def test_a_file_is_downloaded_once_a_run(extractor: Extractor) -> None:
    fetched: list[str] = []

    def fetch() -> bytes:
        fetched.append("once")
        return WORD.encode()

    reader = AttachmentReader(AttachmentOptions(), extractor)
    assert reader.sections([attachment("a.txt", fetch)]) == reader.sections(
        [attachment("a.txt", fetch)]
    )
    assert fetched == ["once"]


def test_a_vendor_that_does_not_answer_fails_the_document_until_it_may_do_without(
    extractor: Extractor,
) -> None:
    def down() -> bytes:
        raise UnavailableError("jira", "HTTP 503")

    reader = AttachmentReader(AttachmentOptions(), extractor)
    files = [attachment("a.txt", down), attachment("b.txt", WORD.encode())]
    with pytest.raises(UnavailableError, match="HTTP 503"):
        reader.sections(files)
    [section] = reader.sections(files, may_miss=True)
    assert section.text == WORD
    assert told(reader) == [("attachments (txt)", NO_ANSWER, 1)]


def test_a_long_text_is_cut_and_said_to_be() -> None:
    extractor = Extractor(ExtractionLimits(characters=1_000))
    cut = extractor.read("text", "\N{SNOWMAN}".encode() * 5_000)
    assert (len(cut.text), cut.is_cut) == (1_000, True)
    pages = extractor.read("pdf", made.pdf(*["many words on each page"] * 200))
    assert (len(pages.text), pages.is_cut) == (1_000, True)
    extractor.close()


def test_a_file_that_takes_longer_than_its_limit_is_given_up_and_the_next_is_read() -> None:
    extractor = Extractor(ExtractionLimits(seconds=0.2))
    slow = made.pdf(*["words"] * 20_000)
    with pytest.raises(UnreadableError, match=TOO_SLOW):
        extractor.read("pdf", slow)
    assert extractor.read("text", WORD.encode()).text == WORD
    extractor.close()


def test_a_file_that_takes_more_memory_than_its_limit_is_given_up_and_the_next_is_read() -> None:
    extractor = Extractor(ExtractionLimits(memory_bytes=300_000_000))
    with pytest.raises(UnreadableError, match=f"{TOO_MUCH_MEMORY}|{BROKE_READER}"):
        extractor.read("text", b"word " * 60_000_000)
    assert extractor.read("text", WORD.encode()).text == WORD
    extractor.close()
