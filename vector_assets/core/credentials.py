"""Keeps the credentials of this process out of every error, log record and printed traceback.

Settings register them (`register`); texts go through `scrub`, so that nothing that a
vendor, a proxy or an SDK echoes is shown. A credential is recognised in each form in which it
travels: plain, in a URL, in JSON, and in the base64 of Basic authentication.
"""

import base64
import json
import logging
import os
import re
import threading
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

_SECRETS_OF_OTHERS = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip
_KEYS_OF_OBJECT_STORES = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_KEY", "GOOGLE_SERVICE_ACCOUNT_KEY",
)  # fmt: skip

REDACTED = "[redacted: credential]"

MIN_CHARACTERS = 6
"""A shorter value protects nothing, and would be redacted in the middle of ordinary words."""

_BEGINNING = 12
_REST = r"""[^\s"'<>,;&]*"""
_SECRET_PARAMETER = re.compile(r"token|key|secret|sig|password|passwd|pwd|auth", re.IGNORECASE)
_LOCK = threading.Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register(values: Iterable[str]) -> None:
    """Treat these as credentials from now on, in every form in which they travel."""
    global _pattern
    with _LOCK:
        _known.update(form for value in values for form in _forms(value))
        longest_first = sorted(_known, key=len, reverse=True)
        # A quoted answer may be cut in the middle of a credential.
        beginnings = sorted({form[:_BEGINNING] for form in _known if _has_beginning(form)})
        patterns = [
            *map(re.escape, longest_first),
            *(re.escape(beginning) + _REST for beginning in beginnings),
        ]
        _pattern = re.compile("|".join(patterns)) if patterns else None
    _watch_logs()


def scrub(text: str) -> str:
    """Return a text with `REDACTED` in place of each registered credential."""
    return text if _pattern is None else _pattern.sub(REDACTED, text)


def basic(user: str, password: str) -> str:
    """Return a name and a password as Basic authentication encodes them."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def of_url(url: str) -> Iterator[str]:
    """Yield the secrets of a URL: its password, a token in place of a name, its parameters."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        yield url
        return
    if user or password:
        yield parts.netloc.rpartition("@")[0]
        yield basic(unquote(user), unquote(password))
        yield password or user
        yield unquote(password or user)
    for name, _, value in (pair.partition("=") for pair in parts.query.split("&")):
        if _SECRET_PARAMETER.search(name):
            yield from (value, unquote(value))


def of_secret_url(url: str) -> Iterator[str]:
    """Yield the secrets of a URL that is secret as a whole, such as a webhook's."""
    parts = urlsplit(url)
    yield url
    # Names of routes, such as `heartbeat`, are ordinary words; tokens are long or have digits.
    tokens = [
        part
        for part in (*parts.path.split("/"), *parts.query.split("&"))
        if len(part) >= 2 * MIN_CHARACTERS or any(map(str.isdigit, part))
    ]
    yield from tokens
    yield from (token.partition("=")[2] for token in tokens)
    yield from of_url(url)


def cut_leaking_causes(error: BaseException) -> None:
    """Drop the causes of an error that contain a credential; the error itself stays.

    A printed error prints its causes too, and those are an SDK's own messages.
    """
    link: BaseException | None = error
    while link is not None:
        for name in ("__cause__", "__context__"):
            cause = getattr(link, name)
            if cause is not None and _leaks(cause):
                setattr(link, name, None)
        link = link.__cause__ or link.__context__


def scrub_error(error: BaseException) -> None:
    """Redact credentials in an error's message, and drop the causes that contain one."""
    error.args = tuple(
        scrub(argument) if isinstance(argument, str) else argument for argument in error.args
    )
    cut_leaking_causes(error)


def printed_uncaught(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> str:
    """Return the traceback of an uncaught error without credentials."""
    return scrub("".join(traceback.format_exception(kind, error, at)))


def _leaks(error: BaseException) -> bool:
    words = "".join(traceback.format_exception_only(error)) + repr(vars(error))
    return scrub(words) != words


def _has_beginning(form: str) -> bool:
    """Tell whether the first characters identify a credential; those of a URL do not."""
    return len(form) > _BEGINNING + 4 and "://" not in form


def _forms(value: str) -> Iterator[str]:
    if len(value.strip()) < MIN_CHARACTERS:
        return
    bare = value.strip()
    coded = base64.b64encode(bare.encode()).decode()
    for form in (bare, quote(bare), quote(bare, safe=""), quote_plus(bare), coded):
        yield form
        yield form.rstrip("=")
        yield json.dumps(form)[1:-1]


def _watch_logs() -> None:
    """Redact credentials in every log record of this process."""
    make: Any = logging.getLogRecordFactory()
    if getattr(make, "frees_from_credentials", False):
        return

    def made(*args: Any, **fields: Any) -> logging.LogRecord:
        record: logging.LogRecord = make(*args, **fields)
        try:
            words = record.getMessage()
        except (TypeError, ValueError):
            # The arguments do not fit the message; logging reports that when it prints the record.
            return record
        clean = scrub(words)
        if clean != words:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None:
            text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (shown := scrub(text)) != text:
                record.exc_text, record.exc_info = shown, None
        return record

    made.frees_from_credentials = True  # type: ignore[attr-defined]  # marks the wrapper
    logging.setLogRecordFactory(made)


def register_surroundings() -> None:
    """Treat the passwords of proxies and the keys of object stores as credentials."""
    for name in _SECRETS_OF_OTHERS:
        register(of_url(os.environ.get(name, "")))
    register(os.environ.get(name, "") for name in _KEYS_OF_OBJECT_STORES)
