"""Tokens, keys and passwords in a text give way to a word that says what stood there.

Done to every document before it is chunked, fingerprinted, embedded or stored, so that no way to
start a run lets one through. Tokens are known by their form: kingfisher's catalogue, of which only
the scanner is used, which never asks the network, and `redaction_rules.yml` beside it.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import TypeVar

from kingfisher_sdk import Rules, Scanner

from vector_assets.core.credentials import without_credentials
from vector_assets.core.documents import Document, Section, Value
from vector_assets.pipeline.redaction.passwords import Found, assigned_secrets
from vector_assets.sources.items import DocumentFailure, Gap

Item = TypeVar("Item")

_OWN_RULES = "vector_assets."
_PASSWORD_RULES = ("betterleaks.generic-credential-uri", "betterleaks.curl-auth-user")
_REPLACED_RULES = ("betterleaks.private-key",)
_NO_PART_OF_A_TOKEN = re.compile("[^\x00-\x7f]|[*|()<>]")
_MAX_PASSES = 10
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets.

    Attributes:
        text: With `[redacted: kind]` in place of each.
        count: How many there were.
    """

    text: str
    count: int


def redact(text: str) -> Redacted:
    """Replace the secrets of a text. What has none comes back as it is; twice is as once.

    Safe to call from several threads at once.
    """
    count = 0
    if not text:
        return Redacted(text, 0)
    # What was replaced may bring a name and another value together, so look until nothing is left.
    for _ in range(_MAX_PASSES):
        found = _merged([*_tokens(text), *assigned_secrets(text)])
        if not found:
            break
        text = _replaced(text, found)
        count += len(found)
    return Redacted(text, count)


def words_without_secrets(words: str) -> str:
    """Return what a vendor, a model or an index said of a document, which may quote it, or us."""
    return redact(without_credentials(words)).text


def item_without_secrets(item: Item) -> Item:
    """Redact what a vendor or a model said of a document, which may quote it."""
    if isinstance(item, DocumentFailure):
        return replace(item, cause=words_without_secrets(item.cause))
    if isinstance(item, Gap):
        return replace(item, reason=words_without_secrets(item.reason))
    return item


def redact_document(document: Document) -> tuple[Document, int]:
    """Return a document without secrets, and how many it had.

    Title, text, headings, links and the source's own fields are looked through. Names of people
    and of containers are not: searches are limited by them, exactly.

    Args:
        document: As its source yielded it; the very same comes back when it has none.
    """
    title = redact(document.title)
    url = redact(document.url)
    sections, count = _redact_sections(document.sections)
    extra = {name: _redact_value(value) for name, value in document.extra.items()}
    count += title.count + url.count + sum(each for _, each in extra.values())
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


def _replaced(text: str, found: Iterable[Found]) -> str:
    parts, at = [], 0
    for secret in found:
        parts += [text[at : secret.start], f"[redacted: {secret.kind}]"]
        at = secret.end
    return "".join([*parts, text[at:]])


def _merged(found: list[Found]) -> list[Found]:
    """Return what was found in the text's order, overlaps as one; what came first names it."""
    rank = {id(one): place for place, one in enumerate(found)}
    merged: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, rank[id(one)])):
        if not merged or one.start >= merged[-1].end:
            merged.append(one)
            continue
        last = merged[-1]
        named = min(last, one, key=lambda each: rank.get(id(each), 0))
        merged[-1] = Found(last.start, max(last.end, one.end), named.kind)
    return merged


def _tokens(text: str) -> Iterator[Found]:
    """Yield what has the form of a token, those of our own rules first: their names read better."""
    # Tokens are ASCII and want an end; letters of other scripts, brackets and marks of bold are
    # none to the catalogue. With one byte a character, offsets are indices.
    data = _NO_PART_OF_A_TOKEN.sub(" ", text).encode("ascii")
    hits = [
        hit for hit in _scanner().scan(data) if hit.visible and hit.rule_id not in _REPLACED_RULES
    ]
    for hit in sorted(hits, key=lambda hit: not hit.rule_id.startswith(_OWN_RULES)):
        place = hit.location
        yield Found(place["start_offset"], place["end_offset"], _kind(hit.rule_id, hit.rule_name))


def _kind(rule_id: str, rule_name: str) -> str:
    if rule_id.startswith(_OWN_RULES):
        return rule_name
    if rule_id in _PASSWORD_RULES:
        return "password"
    words = rule_id.replace("/", ".").split(".")
    return (words[-2] if words[-1].isdigit() else words[-1]).replace("-", " ")


def _scanner() -> Scanner:
    # Threads that ask at once would each compile the rules.
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Scanner:
    with as_file(files("vector_assets.pipeline.redaction") / "redaction_rules.yml") as own_rules:
        # Text in base64 is no text of ours: images and signatures are full of false alarms.
        return Scanner(Rules([own_rules]), base64=False)
