"""Replaces tokens, keys and passwords in a text by `[redacted: kind]`.

Every document is redacted before it is chunked, fingerprinted, embedded or stored, however a run
is started. Tokens are recognised by their form: by kingfisher's scanner, which makes no network
requests, with its own rules and those of `redaction_rules.yml`.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import TypeVar

from kingfisher_sdk import Rules, Scanner

from vector_assets.core.credentials import scrub
from vector_assets.core.documents import Document, Section, Value
from vector_assets.pipeline.redaction.commands import secrets_of_forms
from vector_assets.pipeline.redaction.normal import as_kept, read_text
from vector_assets.pipeline.redaction.passwords import named_secrets
from vector_assets.pipeline.redaction.secret import Secret
from vector_assets.pipeline.redaction.tables import secrets_of_tables
from vector_assets.sources.items import DocumentFailure, Gap

Item = TypeVar("Item")

_OWN_RULES = "vector_assets."
_MANY_VENDORS_RULE = "vector_assets.api-token"
_PASSWORD_RULES = ("betterleaks.generic-credential-uri",)
_REPLACED_RULES = ("betterleaks.private-key", "betterleaks.curl-auth-user")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_AS_SCANNED = bytes.maketrans(b"*|()<>\x01", b" " * 7)
_MARK = "[redacted: "
_MAX_PASSES = 10
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with `[redacted: kind]` in place of each secret, and how many there were."""

    text: str
    count: int


def redact(text: str) -> Redacted:
    """Replace the secrets of a text; idempotent, and safe to call from several threads."""
    count = 0
    if not text:
        return Redacted(text, 0)
    # A replacement may join a name and another value, so repeat until nothing is left.
    for _ in range(_MAX_PASSES):
        secrets = _merged(_secrets(text))
        if not secrets:
            break
        text = _replaced(text, secrets)
        count += len(secrets)
    return Redacted(text, count)


def words_without_secrets(words: str) -> str:
    """Redact a message of a vendor, a model or an index, which may quote a document or our keys."""
    return redact(scrub(words)).text


def item_without_secrets(item: Item) -> Item:
    """Redact what a failure or a gap quotes of a document."""
    if isinstance(item, DocumentFailure):
        return replace(item, cause=words_without_secrets(item.cause))
    if isinstance(item, Gap):
        return replace(item, reason=words_without_secrets(item.reason))
    return item


def redact_document(document: Document) -> tuple[Document, int]:
    """Return a document without secrets, and how many it had; the same one when it had none.

    Title, text, headings, links and the source's own fields are redacted. Names of people and of
    containers are not: searches filter by them exactly.
    """
    title = redact(document.title)
    url = redact(document.url)
    sections, count = _redact_sections(document.sections)
    extra = {name: _redact_value(value) for name, value in document.extra.items()}
    count += title.count + url.count + sum(field_count for _, field_count in extra.values())
    if not count:
        return document, 0
    return (
        replace(
            document,
            title=title.text,
            url=url.text,
            sections=sections,
            extra={name: value for name, (value, _) in extra.items()},
        ),
        count,
    )


def has_marks(document: Document) -> bool:
    """Tell whether a document may hold the mark of something that was redacted."""
    values = [document.title, document.url]
    for value in document.extra.values():
        values += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    for section in document.sections:
        values += (section.text, section.heading, section.url)
    return any(_MARK in value for value in values)


def _redact_sections(sections: tuple[Section, ...]) -> tuple[tuple[Section, ...], int]:
    clean, total = [], 0
    for section in sections:
        text, heading, url = map(redact, (section.text, section.heading, section.url))
        count = text.count + heading.count + url.count
        clean.append(
            replace(section, text=text.text, heading=heading.text, url=url.text)
            if count
            else section
        )
        total += count
    return tuple(clean), total


def _redact_value(value: Value) -> tuple[Value, int]:
    if isinstance(value, str):
        clean = redact(value)
        return clean.text, clean.count
    if isinstance(value, list):
        words = [redact(word) for word in value]
        return [word.text for word in words], sum(word.count for word in words)
    return value, 0


def _secrets(text: str) -> list[Secret]:
    """Return the secrets of a text as a person reads it, and of the tags in it."""
    read = read_text(text)
    secrets = [
        Secret(*read.span(secret.start, secret.end), secret.kind)
        for secret in _secrets_in(read.text)
    ]
    for start, end in read.unseen:
        secrets += [
            Secret(start + secret.start, start + secret.end, secret.kind)
            for secret in _secrets_in(as_kept(text[start:end]))
        ]
    return secrets


def _secrets_in(text: str) -> list[Secret]:
    return [*_tokens(text), *secrets_of_forms(text), *named_secrets(text), *secrets_of_tables(text)]


def _replaced(text: str, secrets: Iterable[Secret]) -> str:
    parts, at = [], 0
    for secret in secrets:
        parts += [text[at : secret.start], f"{_MARK}{secret.kind}]"]
        at = secret.end
    return "".join([*parts, text[at:]])


def _merged(secrets: list[Secret]) -> list[Secret]:
    """Return secrets in the text's order; overlapping ones become one, of the first one's kind."""
    rank = {id(secret): place for place, secret in enumerate(secrets)}
    merged: list[Secret] = []
    for secret in sorted(secrets, key=lambda secret: (secret.start, rank[id(secret)])):
        if not merged or secret.start >= merged[-1].end:
            merged.append(secret)
            continue
        last = merged[-1]
        named = min(last, secret, key=lambda overlapping: rank.get(id(overlapping), 0))
        merged[-1] = Secret(last.start, max(last.end, secret.end), named.kind)
    return merged


def _tokens(text: str) -> Iterator[Secret]:
    """Yield what has the form of a token, those of our own rules first: their names read better."""
    # Tokens are ASCII. The scanner's rules do not take letters of other scripts, brackets or bold
    # marks as the end of a token. With one byte a character, offsets are indices.
    ascii_text = text if text.isascii() else _NOT_ASCII.sub(" ", text)
    data = ascii_text.encode("ascii").translate(_AS_SCANNED)
    hits = [
        hit for hit in _scanner().scan(data) if hit.visible and hit.rule_id not in _REPLACED_RULES
    ]
    for hit in sorted(hits, key=lambda hit: _rank(hit.rule_id)):
        place = hit.location
        yield Secret(place["start_offset"], place["end_offset"], _kind(hit.rule_id, hit.rule_name))


def _rank(rule_id: str) -> int:
    """Return the place of a rule among those that find the same token: the best name first."""
    if rule_id == _MANY_VENDORS_RULE:
        return 2
    return 0 if rule_id.startswith(_OWN_RULES) else 1


def _kind(rule_id: str, rule_name: str) -> str:
    if rule_id.startswith(_OWN_RULES):
        return rule_name
    if rule_id in _PASSWORD_RULES:
        return "password"
    words = rule_id.replace("/", ".").split(".")
    return (words[-2] if words[-1].isdigit() else words[-1]).replace("-", " ")


def _scanner() -> Scanner:
    # Concurrent first calls would each compile the rules.
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Scanner:
    with as_file(files("vector_assets.pipeline.redaction") / "redaction_rules.yml") as own_rules:
        # Decoding base64 would raise false alarms in images and signatures.
        return Scanner(Rules([own_rules]), base64=False)
