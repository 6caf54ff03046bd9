"""Checks API keys in constant time: 401 for a wrong one, 403 while the route's key is not set.

The checks are coroutines, because FastAPI runs other functions in threads, where they would queue.
"""

import base64
import binascii
import hmac
from datetime import date
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from vector_assets.api.read_keys import ReadKeys
from vector_assets.core.read_keys import ANY_VIEWER, ReadKey, matching_key
from vector_assets.core.settings import Settings

CLOSED = (
    "this route is closed: READ_API_KEY is not set, and there is no other reading key "
    "(`vector-assets keys add` makes one)"
)
_ASK = {"WWW-Authenticate": "Bearer"}
_ASK_A_BROWSER = {"WWW-Authenticate": 'Basic realm="vector-assets: any name, the key as password"'}

# What OpenAPI says of the keys, and what "Authorize" in /docs asks for; checked below.
_Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(
        HTTPBearer(
            scheme_name="ReadKey",
            description="READ_API_KEY, or a key of `vector-assets keys add`",
            auto_error=False,
        )
    ),
]
_AdminHeader = Annotated[
    str | None,
    Security(
        APIKeyHeader(
            name="X-Admin-Key",
            scheme_name="AdminKey",
            description="ADMIN_API_KEY",
            auto_error=False,
        )
    ),
]


async def require_admin_key(request: Request, _: _AdminHeader = None) -> None:
    """Require `X-Admin-Key`."""
    settings: Settings = request.app.state.settings
    if not settings.admin_api_key.get_secret_value():
        raise HTTPException(403, "this route is closed: ADMIN_API_KEY is not set")
    if not _is_equal(request.headers.get("x-admin-key", ""), settings.admin_api_key):
        raise HTTPException(401, "send the admin key as X-Admin-Key")


async def require_read_key(request: Request, _: _Bearer = None) -> ReadKey:
    """Require a reading key as a bearer token; return what it may read."""
    read_keys: ReadKeys = request.app.state.read_keys
    keys = read_keys.now()
    if not keys:
        raise HTTPException(403, CLOSED)
    key = matching_key(keys, _bearer(request))
    if key is None:
        raise HTTPException(401, "send a reading key as Authorization: Bearer", _ASK)
    return key


async def require_read_or_admin_key(
    request: Request, bearer: _Bearer = None, header: _AdminHeader = None
) -> ReadKey:
    """Require the admin key, which may name any viewer, or a reading key; return what it may."""
    settings: Settings = request.app.state.settings
    if _is_equal(request.headers.get("x-admin-key", ""), settings.admin_api_key):
        return ReadKey("ADMIN_API_KEY", ANY_VIEWER, "", date.min)
    if "x-admin-key" in request.headers and settings.admin_api_key.get_secret_value():
        raise HTTPException(401, "send the admin key as X-Admin-Key")
    return await require_read_key(request, bearer)


async def require_any_key(request: Request, _: _Bearer = None, __: _AdminHeader = None) -> None:
    """Require any key; a browser may send it as the password of Basic authentication."""
    settings: Settings = request.app.state.settings
    read_keys: ReadKeys = request.app.state.read_keys
    keys = read_keys.now()
    if not keys and not settings.admin_api_key.get_secret_value():
        raise HTTPException(403, CLOSED)
    sent = (request.headers.get("x-admin-key", ""), _bearer(request), _password(request))
    # Compare all, so that the time does not depend on which matches.
    matches = [_is_equal(sent_key, settings.admin_api_key) for sent_key in sent]
    matches += [matching_key(keys, sent_key) is not None for sent_key in sent]
    if True not in matches:
        headers = _ASK_A_BROWSER if request.scope["route"].path.startswith("/docs") else _ASK
        raise HTTPException(401, "send a reading key as Authorization: Bearer", headers)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _password(request: Request) -> str:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(sent, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _is_equal(sent: str, key: SecretStr) -> bool:
    return bool(sent) and hmac.compare_digest(sent.encode(), key.get_secret_value().encode())
