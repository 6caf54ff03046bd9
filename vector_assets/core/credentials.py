"""The credentials of this process, and how a text is freed of them: one place for all faces.

Settings make them known (`know`); every error of ours, every record of a log and every traceback
that a face prints goes through `without_credentials`, so that nothing a vendor, a proxy or an SDK
echoes is shown. A credential is known in each form in which it travels: as it is, in a URL, in
JSON, and in the base64 of Basic authentication.
"""

import base64
import json
import logging
import re
import threading
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

REDACTED = "[redacted: credential]"

MIN_CHARACTERS = 6
"""What is shorter guards nothing, and would take every text apart."""

_BEGINNING = 12
_REST = r"""[^\s"'<>,;&]*"""
_SECRET_PARAMETER = re.compile(r"token|key|secret|sig|password|passwd|pwd|auth", re.IGNORECASE)
_LOCK = threading.Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def know(values: Iterable[str]) -> None:
    """Take these for credentials from now on, in every form in which they travel."""
    global _pattern
    with _LOCK:
        _known.update(form for value in values for form in _forms(value))
        longest_first = sorted(_known, key=len, reverse=True)
        # Whoever quotes an answer cuts it, maybe in the middle of a credential.
        beginnings = sorted({one[:_BEGINNING] for one in _known if _has_beginning(one)})
        words = [*map(re.escape, longest_first), *(re.escape(one) + _REST for one in beginnings)]
        _pattern = re.compile("|".join(words)) if words else None
    _watch_logs()


def without_credentials(text: str) -> str:
    """Return a text with a word in place of each credential that is known."""
    return text if _pattern is None else _pattern.sub(REDACTED, text)


def basic(user: str, password: str) -> str:
    """Return what Basic authentication makes of a name and a password."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def of_url(url: str) -> Iterator[str]:
    """Yield what of a URL is secret: its password, a token in place of a name, its parameters."""
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
    for name, _, value in (one.partition("=") for one in parts.query.split("&")):
        if _SECRET_PARAMETER.search(name):
            yield from (value, unquote(value))


def of_secret_url(url: str) -> Iterator[str]:
    """Yield what of a URL is secret that is one as a whole, such as a webhook's."""
    parts = urlsplit(url)
    yield url
    # Names of routes, such as `heartbeat`, are words of every text; tokens are long or have digits.
    tokens = [
        one
        for one in (*parts.path.split("/"), *parts.query.split("&"))
        if len(one) >= 2 * MIN_CHARACTERS or any(map(str.isdigit, one))
    ]
    yield from tokens
    yield from (one.partition("=")[2] for one in tokens)
    yield from of_url(url)


def cut_leaking_causes(error: BaseException) -> None:
    """Forget the causes of an error whose words hold a credential; the error itself stays.

    Whoever prints an error prints its causes too, and those are in the words of an SDK.
    """
    link: BaseException | None = error
    while link is not None:
        for name in ("__cause__", "__context__"):
            cause = getattr(link, name)
            if cause is not None and _leaks(cause):
                setattr(link, name, None)
        link = link.__cause__ or link.__context__


def scrub(error: BaseException) -> None:
    """Free an error's own words from credentials, and forget the causes that hold one."""
    error.args = tuple(
        without_credentials(one) if isinstance(one, str) else one for one in error.args
    )
    cut_leaking_causes(error)


def printed_uncaught(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> str:
    """Return the traceback of an error that nobody caught, fit to be shown."""
    return without_credentials("".join(traceback.format_exception(kind, error, at)))


def _leaks(error: BaseException) -> bool:
    words = "".join(traceback.format_exception_only(error)) + repr(vars(error))
    return without_credentials(words) != words


def _has_beginning(form: str) -> bool:
    """Tell whether a credential can be told by its first characters, as an address cannot."""
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
    """Free each record of any log of this process from credentials, whoever writes and reads it."""
    make: Any = logging.getLogRecordFactory()
    if getattr(make, "frees_from_credentials", False):
        return

    def made(*args: Any, **fields: Any) -> logging.LogRecord:
        record: logging.LogRecord = make(*args, **fields)
        try:
            words = record.getMessage()
        except (TypeError, ValueError):
            # A call with the wrong arguments; logging itself says so when it comes to print it.
            return record
        clean = without_credentials(words)
        if clean != words:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None:
            text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (shown := without_credentials(text)) != text:
                record.exc_text, record.exc_info = shown, None
        return record

    made.frees_from_credentials = True  # type: ignore[attr-defined]  # marks the wrapper
    logging.setLogRecordFactory(made)
