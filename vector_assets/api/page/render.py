"""Renders templates, with headers that forbid scripts and framing."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from vector_assets.monitoring.verdict import hours

STATIC_PATH = "/page"
"""Where the files that a page loads are."""

_FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HEADERS = {
    **_SAFE,
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """Return a page.

    Args:
        template: Name of its file, without `.html`.
        status: Of HTTP.
        **shown: What the template shows; text is escaped there.
    """
    html = _templates().get_template(f"{template}.html").render(**shown)
    return HTMLResponse(html, status, _HEADERS)


def moved(address: str) -> Response:
    """Return a redirection that opens a page of ours with GET; relative, for proxies' paths."""
    return Response(status_code=303, headers={**_HEADERS, "Location": address})


def static_file(name: str) -> Response | None:
    """Return a file that pages load; None when there is none of this name."""
    if name not in _FILES:
        return None
    headers = {**_SAFE, "Cache-Control": "public, max-age=86400"}
    return Response(_read("static", name), media_type=_FILES[name], headers=headers)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: _read("templates", name).decode()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = _utc
    environment.filters["ago"] = _ago
    environment.filters["code"] = _code
    environment.filters["seconds"] = _seconds
    environment.globals["static"] = _address
    return environment


def _seconds(at_most: float | None) -> str:
    """Return an upper bound in words; None is beyond the longest that is measured."""
    return "more than an hour" if at_most is None else f"{at_most:.0f} s"


@cache
def _read(folder: str, name: str) -> bytes:
    return (files("vector_assets.api.page") / folder / name).read_bytes()


@cache
def _address(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    digest = hashlib.sha256(_read("static", name)).hexdigest()[:12]
    return f"{STATIC_PATH.removeprefix('/')}/{name}?v={digest}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _code(text: str) -> Markup:
    """Return a text as HTML, with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def _ago(at: datetime) -> str:
    since_then = datetime.now(UTC) - at
    return "just now" if since_then < timedelta(minutes=1) else f"{hours(since_then)} ago"
