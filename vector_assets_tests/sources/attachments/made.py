"""Files of each kind, made by hand, whole and damaged."""

import io
import zipfile

import docx
import pptx
from pptx.util import Inches

WORD = "zebrafinch"
"""Stands in every file that can be read, and nowhere else."""

_PASSWORD_ENTRY = (
    b"/Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -44 "
    b"/O <" + b"28" * 32 + b"> /U <" + b"41" * 32 + b"> >> "
    b"/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] "
)


def pdf(*lines: str, is_encrypted: bool = False) -> bytes:
    """Return a PDF with a page for each line; encrypted with a password that nobody knows."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(lines)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(lines)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, line in enumerate(lines):
        drawn = f"BT /F1 12 Tf 72 700 Td ({line}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    content = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table_at = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    lock = _PASSWORD_ENTRY if is_encrypted else b""
    content += b"trailer << /Size %d /Root 1 0 R %s>>\n" % (len(objects) + 1, lock)
    return bytes(content) + b"startxref\n%d\n%%%%EOF" % table_at


def word_document(*paragraphs: str) -> bytes:
    """Return a DOCX with a heading, paragraphs and a table."""
    document = docx.Document()
    document.add_heading("Plan", 2)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "port", "Bergen"
    return _saved(document)


def slides(*lines: str) -> bytes:
    """Return a PPTX with a slide for each line, with notes, and a table on the last."""
    presentation = pptx.Presentation()
    for line in lines:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = line
        slide.notes_slide.notes_text_frame.text = f"Say {line} aloud"
    table = slide.shapes.add_table(1, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "crane", "late"
    return _saved(presentation)


def bomb() -> bytes:
    """Return a DOCX of some 200 KB whose text unpacks to 200 MB."""
    whole = io.BytesIO(word_document("words"))
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "word/document.xml":
                content = content.replace(b"words", b"w" * 200_000_000)
            target.writestr(entry.filename, content)
    return packed.getvalue()


def locked_office() -> bytes:
    """Return the beginning and the directory of an Office file with a password."""
    head = bytes.fromhex("d0cf11e0a1b11ae1").ljust(512, b"\0")
    return head + "EncryptedPackage".encode("utf-16-le").ljust(128, b"\0")


def png() -> bytes:
    """Return the signature of a picture."""
    return b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def _saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    thing.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()
