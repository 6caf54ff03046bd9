"""The routes of the page for people: search, status, signing in and out.

They read through what the routes for programs read through; here is only how a person sees it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.routing import Route

from vector_assets.api.keys import CLOSED
from vector_assets.api.page.answers import ResultsView, results_view
from vector_assets.api.page.forms import (
    LIMITS,
    Asked,
    asked_of,
    own_page,
    posted_fields,
    question_of,
    said_of,
)
from vector_assets.api.page.passages import web_link
from vector_assets.api.page.render import STATIC_PATH, moved, page, static_file
from vector_assets.api.page.session import COOKIE, LASTS_SECONDS, Session, Sessions
from vector_assets.api.page.status import DailyDocuments, status_view
from vector_assets.api.parameters import refuse
from vector_assets.api.read_keys import ReadKeys
from vector_assets.api.reading import MAX_QUESTION_CHARACTERS, answers_to, why_of
from vector_assets.core.errors import ForeignViewerError, UsageError, VectorAssetsError
from vector_assets.core.read_keys import ANY_VIEWER, ReadKey
from vector_assets.sources import shown_sources

if TYPE_CHECKING:
    from vector_assets.api.app import Services

SIGN_IN = "sign-in"

_MAX_VIEWER_CHARACTERS = 254
_SAME_SITE = {"same-origin", "none"}
_FORM_IS_OLD = (
    "This form was too old, or not sent from this page. Nothing was done: please send it again."
)

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has opened a page."""

    session: Session
    key: ReadKey

    @property
    def reads_as(self) -> str:
        """In whose name pages are read, in words."""
        return self.key.reader(self.session.viewer).viewer or "public documents only"


class _NotSignedInError(Exception):
    """The page needs a key that is not there, or not valid any more."""


def add_page(app: FastAPI, services: "Services") -> None:
    """Add the pages, and the files that they load, which alone are for everybody.

    Args:
        app: Whose state has the reading keys.
        services: What the routes for programs share.
    """
    pages = Pages(app.state.read_keys, services)
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/", pages.search),
        ("GET", "/status", pages.status),
        ("GET", "/why", pages.why),
        ("GET", f"/{SIGN_IN}", pages.sign_in_form),
        ("POST", f"/{SIGN_IN}", pages.sign_in),
        ("POST", "/sign-out", pages.sign_out),
        ("GET", STATIC_PATH + "/{name}", pages.file),
    )
    app.router.routes.extend(
        Route(path, pages.shown(handler), methods=[method], include_in_schema=False)
        for method, path, handler in routes
    )


class Pages:
    """What the pages answer."""

    def __init__(self, keys: ReadKeys, services: "Services") -> None:
        self._keys = keys
        self._services = services
        self._sessions = Sessions(services.settings.session_secret.get_secret_value())
        self._documents = DailyDocuments(services)

    def shown(self, handler: Handler) -> Handler:
        """Return a handler whose refusals are pages too."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except _NotSignedInError:
                path = request.url.path.rpartition("/")[2] or "./"
                wanted = f"{path}?{request.url.query}" if request.url.query else path
                return moved(f"{SIGN_IN}?{urlencode({'next': wanted})}")
            except HTTPException as error:
                return self._refusal(request, error.status_code, error.detail, error.headers)
            except RequestValidationError as error:
                return self._refusal(request, 422, said_of(error))
            except VectorAssetsError as error:
                return self._refusal(request, _status_of(error), str(error))

        return answer

    async def search(self, request: Request) -> Response:
        """Show the search form, and what a question of the address finds."""
        who = self._signed_in(request)
        asked = Asked()
        try:
            asked = asked_of(request)
            results = await self._results(asked, who, request) if asked.q else None
        except RequestValidationError as error:
            return self._search_page(who, asked, status=422, error=said_of(error))
        except VectorAssetsError as error:
            return self._search_page(who, asked, status=_status_of(error), error=str(error))
        return self._search_page(who, asked, results=results)

    async def why(self, request: Request) -> Response:
        """Show why what was looked for is not found."""
        who = self._signed_in(request)
        asked, answer, error, status = Asked(), None, "", 200
        document = request.query_params.get("document", "").strip()
        try:
            asked = asked_of(request, "document")
            if len(document) > MAX_QUESTION_CHARACTERS:
                most = f"more than {MAX_QUESTION_CHARACTERS} characters"
                refuse("document", f"document has {most}", None)
            if document:
                question, viewer = question_of(asked), who.session.viewer
                answer = await why_of(document, question, who.key, viewer, request, self._services)
        except RequestValidationError as invalid:
            error, status = said_of(invalid), 422
        except VectorAssetsError as refused:
            error, status = str(refused), _status_of(refused)
        shown = {"asked": asked, "document": document, "answer": answer, "error": error}
        link = web_link(answer.link) if answer else ""
        return page("why", status, **self._frame(who), **shown, link=link)

    async def status(self, request: Request) -> Response:
        """Show how fresh each source is, and what is wrong."""
        who = self._signed_in(request)
        snapshot = await self._services.checked()
        documents = await self._documents.now(request)
        view = status_view(snapshot, who.key, documents, self._services)
        return page("status", **self._frame(who), view=view)

    async def sign_in_form(self, request: Request) -> Response:
        """Show the form that asks for a key; someone who is signed in goes on."""
        self._require_open()
        wanted = own_page(request.query_params.get("next", ""))
        try:
            self._signed_in(request)
        except _NotSignedInError:
            return self._sign_in_page(request, wanted=wanted)
        return moved(wanted)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session with a key."""
        self._require_open()
        fields = await posted_fields(request)
        wanted = own_page(fields.get("next", ""))
        viewer = fields.get("viewer", "").strip()
        if not self._is_own_form(request, fields):
            return self._sign_in_page(request, 403, wanted, viewer, error=_FORM_IS_OLD)
        key = self._keys.match(fields.get("key", "").strip())
        if key is None:
            wrong = "This key is not valid: it is misspelt, or was revoked."
            return self._sign_in_page(request, 401, wanted, viewer, key_error=wrong)
        if error := _viewer_error(key, viewer):
            return self._sign_in_page(request, 403, wanted, viewer, viewer_error=error)
        answer = moved(wanted)
        # A new session, so that one that was planted in the browser before is none of a key.
        self._keep(request, answer, self._sessions.begin(key, viewer))
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        if not self._is_own_form(request, await posted_fields(request)):
            raise HTTPException(403, _FORM_IS_OLD)
        if session := self._session(request):
            self._sessions.end(session)
        answer = moved(SIGN_IN)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    async def file(self, request: Request) -> Response:
        """Return a file that the pages load."""
        if file := static_file(request.path_params["name"]):
            return file
        raise HTTPException(404, "there is no such file")

    async def _results(self, asked: Asked, who: SignedIn, request: Request) -> ResultsView:
        question = question_of(asked)
        viewer = who.session.viewer
        answers, health = await answers_to(question, who.key, viewer, request, self._services)
        return await asyncio.to_thread(results_view, question.text, answers, health)

    def _search_page(
        self,
        who: SignedIn,
        asked: Asked,
        *,
        status: int = 200,
        results: ResultsView | None = None,
        error: str = "",
    ) -> Response:
        snapshot = self._services.watcher.last()
        measured = snapshot.health.sources if snapshot else ()
        settings = self._services.settings
        names = (*(settings.enabled_sources or shown_sources(settings)), *asked.sources)
        return page(
            "search",
            status,
            **self._frame(who),
            asked=asked,
            limits=LIMITS,
            sources=tuple(dict.fromkeys((*names, *(source.source for source in measured)))),
            results=results,
            error=error,
        )

    def _sign_in_page(
        self,
        request: Request,
        status: int = 200,
        wanted: str = "./",
        viewer: str = "",
        **errors: str,
    ) -> Response:
        session = self._session(request) or self._sessions.begin()
        shown: dict[str, Any] = {"error": "", "key_error": "", "viewer_error": "", **errors}
        answer = page(
            "sign_in",
            status,
            who=None,
            token=self._sessions.form_token(session),
            wanted=wanted,
            viewer=viewer,
            **shown,
        )
        self._keep(request, answer, session)
        return answer

    def _refusal(
        self, request: Request, status: int, detail: object, headers: Any = None
    ) -> Response:
        try:
            frame = self._frame(self._signed_in(request))
        except (_NotSignedInError, HTTPException, VectorAssetsError):
            frame = {"who": None, "token": ""}
        answer = page("refusal", status, **frame, detail=str(detail))
        answer.headers.update(headers or {})
        return answer

    def _frame(self, who: SignedIn) -> dict[str, Any]:
        return {"who": who, "token": self._sessions.form_token(who.session)}

    def _require_open(self) -> tuple[ReadKey, ...]:
        keys = self._keys.now()
        if not keys:
            raise HTTPException(403, CLOSED)
        return keys

    def _signed_in(self, request: Request) -> SignedIn:
        """Return who sends a request; its key has to be valid still, and to read for the viewer."""
        keys = self._require_open()
        session = self._session(request)
        key = self._sessions.key_of(session, keys) if session else None
        if session is None or key is None or _viewer_error(key, session.viewer):
            raise _NotSignedInError
        return SignedIn(session, key)

    def _session(self, request: Request) -> Session | None:
        return self._sessions.read(request.cookies.get(COOKIE, ""))

    def _is_own_form(self, request: Request, fields: dict[str, str]) -> bool:
        """Tell whether a page of ours made the form, in this browser."""
        session = self._session(request)
        is_same_site = request.headers.get("sec-fetch-site", "none") in _SAME_SITE
        return (
            is_same_site
            and session is not None
            and self._sessions.is_form_token(session, fields.get("token", ""))
        )

    def _keep(self, request: Request, answer: Response, session: Session) -> None:
        answer.set_cookie(
            COOKIE,
            self._sessions.write(session),
            max_age=LASTS_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )


def _viewer_error(key: ReadKey, viewer: str) -> str:
    """Return why a key cannot read for a viewer; empty when it can."""
    if len(viewer) > _MAX_VIEWER_CHARACTERS:
        return f"A viewer has at most {_MAX_VIEWER_CHARACTERS} characters."
    if viewer and "@" not in viewer and key.binding == ANY_VIEWER:
        return "Write the viewer's e-mail, or leave it empty to read public documents only."
    try:
        key.reader(viewer)
    except ForeignViewerError as error:
        return str(error)
    return ""


def _status_of(error: VectorAssetsError) -> int:
    if isinstance(error, ForeignViewerError):
        return 403
    return 400 if isinstance(error, UsageError) else 503
