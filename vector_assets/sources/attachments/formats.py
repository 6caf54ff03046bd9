"""The text of a file, by its format. Runs in the process that `worker.py` confines.

Any library may raise anything on a damaged file: only what is told by name is caught here.
"""

import codecs
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

MAX_UNPACKED_BYTES = 100_000_000
"""What an archive may claim to unpack to; Python's `zipfile` reads no more than is claimed."""

MAX_ARCHIVE_FILES = 10_000

ENCRYPTED = "encrypted"
DAMAGED = "damaged, or not what its name says"
TOO_MUCH_MEMORY = "takes too much memory to read"
EMPTY = "without text, as scans are"
UNPACKS_TOO_LARGE = f"unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB"

_LIBRARIES = ("docx", "lxml.html", "pptx", "pptx.shapes.group", "pypdfium2")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SILENT_TAGS = frozenset({"script", "style", "template", "noscript", "svg"})
_BLOCK_TAGS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "title", "tr", "ul",
})  # fmt: skip
_CELL_TAGS = frozenset({"td", "th"})


class UnreadableError(Exception):
    """A file whose text cannot be read.

    Attributes:
        reason: In words that stand beside its kind; never a part of its name or text.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def load_libraries() -> None:
    """Import what reads files, while there is no limit to memory yet."""
    for name in _LIBRARIES:
        import_module(name)


def extracted(kind: str, content: bytes, *, max_characters: int) -> tuple[str, bool]:
    """Return the text of a file, and whether it was cut.

    Args:
        kind: A format of `kinds.format_of`.
        content: All of it.
        max_characters: The text is cut after so many.

    Raises:
        UnreadableError: It is encrypted, damaged or holds no text.
    """
    parts: list[str] = []
    characters = 0
    for part in _READERS[kind](content):
        parts.append(part.strip("\n"))
        characters += len(part)
        if characters > max_characters:
            break
    text = "\n\n".join(part for part in parts if part.strip())
    if not text:
        raise UnreadableError(EMPTY)
    return text[:max_characters], len(text) > max_characters


def _plain(content: bytes) -> Iterator[str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            yield content.decode(encoding, "replace")
            return
    if b"\0" in content:
        raise UnreadableError(DAMAGED)
    try:
        yield content.decode()
    except UnicodeDecodeError:
        yield content.decode("cp1252", "replace")


def _pdf(content: bytes) -> Iterator[str]:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_locked = error.err_code == FPDF_ERR_PASSWORD
        raise UnreadableError(ENCRYPTED if is_locked else DAMAGED) from None
    for page in pdf:
        text = page.get_textpage()
        yield text.get_text_bounded().replace("\r\n", "\n")
        text.close()
        page.close()


def _docx(content: bytes) -> Iterator[str]:
    import docx
    from docx.table import Table

    for block in docx.Document(_archive(content)).iter_inner_content():
        if isinstance(block, Table):
            yield _table([cell.text for cell in row.cells] for row in block.rows)
        else:
            style = (block.style.name or "") if block.style is not None else ""
            level = style.removeprefix("Heading ")
            is_heading = level != style and level.isdecimal() and block.text.strip()
            yield f"{'#' * min(6, int(level))} {block.text}" if is_heading else block.text


def _pptx(content: bytes) -> Iterator[str]:
    import pptx

    for slide in pptx.Presentation(_archive(content)).slides:
        lines = list(_shapes(slide.shapes))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            lines.append(slide.notes_slide.notes_text_frame.text)
        yield "\n".join(line for line in lines if line.strip())


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    """Yield the texts of shapes, those in groups and tables among them."""
    from pptx.shapes.group import GroupShape

    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _shapes(shape.shapes)
        elif getattr(shape, "has_table", False):
            yield _table([cell.text for cell in row.cells] for row in shape.table.rows)
        elif shape.has_text_frame:
            yield shape.text_frame.text.replace("\v", "\n")


def _html(content: bytes) -> Iterator[str]:
    import lxml.html

    if not content.strip():
        return
    text = next(_plain(content))
    # A declaration of an encoding is for bytes; lxml refuses it in a text.
    root = lxml.html.document_fromstring(
        text.encode(), parser=lxml.html.HTMLParser(encoding="utf-8")
    )
    words: list[str] = []
    for event, element in _walked(root):
        tag = str(element.tag)
        if tag in _BLOCK_TAGS:
            words.append("\n")
        elif tag in _CELL_TAGS:
            words.append(" ")
        said = element.text if event == "start" else element.tail
        words.append(" ".join((f"x{said}x").split())[1:-1] if said else "")
    lines = (" ".join(line.split()) for line in "".join(words).split("\n"))
    yield "\n".join(line for line in lines if line)


def _walked(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield each element when it begins and when it ends, without those that people do not see."""
    stack = [("start", root)]
    while stack:
        event, element = stack.pop()
        is_seen = isinstance(element.tag, str) and element.tag not in _SILENT_TAGS
        if event == "end" or is_seen:
            yield event, element
        if event == "start":
            stack.append(("end", element))
            if is_seen:
                stack += (("start", child) for child in reversed(element))


def _archive(content: bytes) -> io.BytesIO:
    """Return an Office file to open, once it is known to unpack to a bounded size.

    Raises:
        UnreadableError: It is encrypted or no archive, or claims to unpack to too much.
    """
    if content.startswith(_OLE):
        # An Office file with a password is a file of the old format that holds a package.
        is_locked = "EncryptedPackage".encode("utf-16-le") in content
        raise UnreadableError(ENCRYPTED if is_locked else DAMAGED)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.infolist()
    if len(files) > MAX_ARCHIVE_FILES or sum(f.file_size for f in files) > MAX_UNPACKED_BYTES:
        raise UnreadableError(UNPACKS_TOO_LARGE)
    return io.BytesIO(content)


def _table(rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in rows)


_READERS: Mapping[str, Callable[[bytes], Iterator[str]]] = {
    "text": _plain,
    "pdf": _pdf,
    "docx": _docx,
    "pptx": _pptx,
    "html": _html,
}
