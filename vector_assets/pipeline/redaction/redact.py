"""Replaces tokens, keys and passwords in a text by `[redacted: kind]`.

Every document is redacted before it is chunked, fingerprinted, embedded or stored, however a run
is started. Tokens are recognised by their form: by kingfisher's scanner, which makes no network
requests, with its own rules and those of `redaction_rules.yml`.
"""

import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import TypeVar

from kingfisher_sdk import Finding, Rules, Scanner

from vector_assets.core.credentials import scrub
from vector_assets.core.documents import Document, Section, Value
from vector_assets.pipeline.redaction.commands import Form, forms_in, secrets_of_forms
from vector_assets.pipeline.redaction.names import Name
from vector_assets.pipeline.redaction.normal import as_kept, is_kept, read_text
from vector_assets.pipeline.redaction.passwords import named_secrets, names_in
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
_APART = "\n\x02" * 64 + "\n"
"""Stands between texts that are scanned at once. It is longer than what the rules let stand between
the parts of a match, or has a character that they do not let stand there. The few that would reach
over it (private keys, files of credentials) find what they find in one of the texts as well."""

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
    return _without(text, _secrets(text)) if text else Redacted(text, 0)


def redact_texts(texts: Iterable[str]) -> dict[str, Redacted]:
    """Redact the texts of a document, each as `redact` does alone, in less time.

    What none of them holds is looked for once in all of them.
    """
    unique_texts = dict.fromkeys(texts)
    shown = {text: as_kept(text) for text in unique_texts if is_kept(text)}
    hints = _Hints.of_all(shown.values())
    if hints.are_none:
        redacted = {text: Redacted(text, 0) for text in shown}
    else:
        redacted = {
            text: _without(text, _secrets_in(shown_text, hints))
            for text, shown_text in shown.items()
        }
    return redacted | {text: redact(text) for text in unique_texts if text not in redacted}


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
    clean = redact_texts(_texts(document))
    if not any(text.count for text in clean.values()):
        return document, 0
    count = sum(clean[text].count for text in _texts(document))
    return (
        replace(
            document,
            title=clean[document.title].text,
            url=clean[document.url].text,
            sections=tuple(_redacted_section(section, clean) for section in document.sections),
            extra={name: _redacted_value(value, clean) for name, value in document.extra.items()},
        ),
        count,
    )


def has_marks(document: Document) -> bool:
    """Tell whether a document may hold the mark of something that was redacted."""
    return any(_MARK in text for text in _texts(document))


def _texts(document: Document) -> list[str]:
    """Return all texts of a document that are redacted."""
    texts = [document.title, document.url]
    for section in document.sections:
        texts += (section.text, section.heading, section.url)
    for value in document.extra.values():
        texts += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return texts


def _redacted_section(section: Section, clean: Mapping[str, Redacted]) -> Section:
    text, heading, url = (clean[part] for part in (section.text, section.heading, section.url))
    if not (text.count or heading.count or url.count):
        return section
    return replace(section, text=text.text, heading=heading.text, url=url.text)


def _redacted_value(value: Value, clean: Mapping[str, Redacted]) -> Value:
    if isinstance(value, str):
        return clean[value].text
    return [clean[word].text for word in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _Hints:
    """What a text may hold of secrets: all else need not be looked for."""

    has_tokens: bool
    forms: tuple[Form, ...]
    names: tuple[Name, ...]

    @classmethod
    def of(cls, text: str) -> "_Hints":
        """Return those of a text, as `read_text` shows it; it has not been scanned for tokens."""
        return cls(has_tokens=True, forms=forms_in(text), names=names_in(text))

    @classmethod
    def of_all(cls, texts: Collection[str]) -> "_Hints":
        """Return those of any of these texts, as `read_text` shows them."""
        joined = "\n".join(texts)
        has_tokens = bool(_hits(_APART.join(texts)))
        return cls(has_tokens=has_tokens, forms=forms_in(joined), names=names_in(joined))

    @property
    def are_none(self) -> bool:
        """Tell whether a text holds no secret."""
        return not (self.has_tokens or self.forms or self.names)


def _without(text: str, secrets: list[Secret]) -> Redacted:
    """Replace secrets, and those that are found then."""
    count = 0
    # A replacement may join a name and another value, so repeat until nothing is left.
    for _ in range(_MAX_PASSES):
        if not secrets:
            break
        merged = _merged(secrets)
        text = _replaced(text, merged)
        count += len(merged)
        secrets = _secrets(text)
    return Redacted(text, count)


def _secrets(text: str) -> list[Secret]:
    """Return the secrets of a text as a person reads it, and of the tags in it."""
    read = read_text(text)
    secrets = [
        Secret(*read.span(secret.start, secret.end), secret.kind)
        for secret in _secrets_in(read.text, _Hints.of(read.text))
    ]
    for start, end in read.unseen:
        tag = as_kept(text[start:end])
        secrets += [
            Secret(start + secret.start, start + secret.end, secret.kind)
            for secret in _secrets_in(tag, _Hints.of(tag))
        ]
    return secrets


def _secrets_in(text: str, hints: _Hints) -> list[Secret]:
    secrets = [*_tokens(text)] if hints.has_tokens else []
    if hints.forms:
        secrets += secrets_of_forms(text, hints.forms)
    if hints.names:
        # The heads of tables are names as well.
        secrets += (*named_secrets(text, hints.names), *secrets_of_tables(text))
    return secrets


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
    for hit in sorted(_hits(text), key=lambda hit: _rank(hit.rule_id)):
        place = hit.location
        yield Secret(place["start_offset"], place["end_offset"], _kind(hit.rule_id, hit.rule_name))


def _hits(text: str) -> list[Finding]:
    # Tokens are ASCII. The scanner's rules do not take letters of other scripts, brackets or bold
    # marks as the end of a token. With one byte a character, offsets are indices.
    ascii_text = text if text.isascii() else _NOT_ASCII.sub(" ", text)
    data = ascii_text.encode("ascii").translate(_AS_SCANNED)
    return [
        hit for hit in _scanner().scan(data) if hit.visible and hit.rule_id not in _REPLACED_RULES
    ]


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
