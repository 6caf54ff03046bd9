"""`/docs` and `/openapi.json`: Swagger UI, whose files come from this server and from no other."""

import base64
import hashlib
import re
from importlib.resources import files

from fastapi import Depends, FastAPI, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response

from vector_assets.api.keys import require_any_key
from vector_assets.api.parameters import require_known

PATH = "/docs"

_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def add_docs_page(app: FastAPI) -> None:
    """Add the page, its files and the schema; each requires a key."""
    guarded = [Depends(require_any_key), Depends(require_known)]
    page = _page(app.title)
    policy = _policy(page)

    @app.get("/openapi.json", include_in_schema=False, dependencies=guarded)
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get(PATH, include_in_schema=False, dependencies=guarded)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={**_HEADERS, "Content-Security-Policy": policy})

    @app.get(PATH + "/{name}", include_in_schema=False, dependencies=guarded)
    async def docs_file(name: str) -> Response:
        if name not in _FILES:
            raise HTTPException(404)
        content = (files("fastapi_offline") / "static" / name).read_bytes()
        headers = {**_HEADERS, "Cache-Control": "private, max-age=86400"}
        return Response(content, media_type=_FILES[name], headers=headers)


def _page(title: str) -> str:
    """Return the page; its addresses are relative, so that it works below a proxy's path."""
    # Unset, Swagger UI sends the schema's address to a validator of its makers.
    parameters = {"validatorUrl": None}
    response = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        swagger_ui_parameters=parameters,
    )
    return bytes(response.body).decode()


def _policy(page: str) -> str:
    """Return the content security policy of the page: nothing from elsewhere, one inline script."""
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    inline = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src 'self' {inline}; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'"
    )
