"""What is for some is found by nobody else: by no question, no face, no store, and at no moment."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets.cli.main import app
from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.index.search import CANDIDATES, find
from vector_assets.index.targets import IndexOpener
from vector_assets.pipeline.sync import Pipeline, sync_source
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources import SOURCES
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter, VectorStore
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.sources.fireflies.meetings import meeting, sentence
from vector_assets_tests.sources.jira.issues import adf, issue, person
from vector_assets_tests.sources.notion.pages import page, paragraph
from vector_assets_tests.sources.slack.team import populate, say
from vector_assets_tests.stores.conformance import NOT_ON_THE_LIST
from vector_assets_tests.stores.test_pinecone import make_vector_index
from vector_assets_tests.support.dates import yesterday, yesterday_noon
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

SECRET = "zanzibarium"
"""A word that stands in all that is restricted, in titles, names and texts, and nowhere else."""

READER = "ann@example.com"
DAY = utc("2026-03-02").date()
STORES = ("lancedb", "documents", "vectors")


class Recorder:
    """Middleware that keeps the body of each request that passes."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []

    def around(self, inner: ASGIApp) -> ASGIApp:
        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            body = b""

            async def heard() -> Message:
                nonlocal body
                message = await receive()
                body += message.get("body", b"")
                return message

            try:
                await inner(scope, heard, send)
            finally:
                self.bodies.append((scope.get("path", ""), body))

        return recorded


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def sandbox(recorder: Recorder) -> Iterator[Sandbox]:
    with running_sandbox(Workspace(), wrap=recorder.around) as running:
        yield running


@pytest.fixture(params=STORES)
def settings(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Settings:
    """Settings over each store and API in turn, all sources on."""
    (tmp_path / "files").mkdir()
    environment = {
        **sandbox.environment,
        "VECTOR_STORE": "lancedb" if request.param == "lancedb" else "pinecone",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "FILES_PATH": str(tmp_path / "files"),
        "READ_API_KEY": "reading-key",
        "ADMIN_API_KEY": "admin-key",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    if request.param == "vectors":
        make_vector_index(sandbox, dimensions=1536)
    return settings


# By every face


def fill(sandbox: Sandbox, settings: Settings) -> None:
    """Sync a public and a restricted document of each source; the latter for `READER`."""
    workspace = sandbox.workspace
    workspace.site.jira_level_holders = {"7": [{"type": "user", "value": "ann"}]}
    workspace.site.jira_group_members = {"g1": [person("ann", READER)]}
    level = {"id": "7", "name": f"Board {SECRET}"}
    secret = adf(" ".join(f"{SECRET} budget {n}" for n in range(400)))
    noon = yesterday_noon()
    workspace.issues += [
        issue(1, updated=noon, summary="Open crane", description=adf("The crane is late.")),
        issue(666, updated=noon, summary=SECRET, description=secret, security=level),
    ]
    populate(sandbox)
    workspace.users[0]["profile"]["email"] = READER
    workspace.channels.append({"id": "C0SECRET01", "name": SECRET, "members": ["U0ANN0001"]})
    workspace.channels.append({"id": "C0SECRET02", "name": f"{SECRET}-2", "members": ["U0GONE"]})
    workspace.site.private_channel_ids += ["C0SECRET01", "C0SECRET02"]
    at = f"{noon:%Y-%m-%dT%H:%M}"
    say(sandbox, at, "The crane is late.")
    say(sandbox, at, f"The {SECRET} budget.", channel="C0SECRET01")
    say(sandbox, at, f"The {SECRET} reserve.", channel="C0SECRET02")
    edited = f"{noon:%Y-%m-%dT%H:%M}:00.000Z"
    workspace.pages.append(page("Open crane", paragraph("The crane is late."), edited=edited))
    began = int(noon.timestamp() * 1000)
    workspace.transcripts += [
        meeting(1, date=began, privacy="teammates", title="Open crane"),
        meeting(2, date=began, privacy="participants", participants=[READER], organizer_email="",
                title=SECRET, sentences=[sentence(1, f"The {SECRET} budget.")]),
        meeting(3, date=began, privacy="participants", participants=[READER], organizer_email="",
                title=f"Silent {SECRET}", sentences=[], meeting_info={"silent_meeting": True}),
    ]  # fmt: skip
    Path(settings.files_path, "crane.md").write_text("The crane is late.")
    days = Days(yesterday() - timedelta(days=2), yesterday())
    for source in SOURCES:
        sync_source(source, days, settings)
    # Neither Notion nor files tell who reads them: what they hold restricted is written by hand.
    for source in ("notion", "files"):
        restricted(settings, source)


def restricted(settings: Settings, source: str) -> None:
    """Write a restricted document of a source into the index."""

    lister = ListSource(
        [
            document(
                "secret",
                *(f"{SECRET} budget " * 300 for _ in range(3)),
                source=source,
                title=SECRET,
                container=SECRET,
                access=("restricted", READER),
                updated_at="2026-03-02T10:00",
                extra={},
            )
        ]
    )
    lister.name = source  # type: ignore[misc]  # one class for all names
    meter = Meter()
    target = IndexOpener(settings).target(meter)
    Pipeline(source=lister, target=target, meter=meter).run(Days(DAY, DAY))


QUESTIONS = (
    f"{SECRET} budget",
    "har-666 please",
    "jira:10666#0",
    f"slack:C0SECRET01 meeting-2 notion:secret#1 files:secret {READER} restricted",
)


def test_what_is_restricted_is_found_by_its_readers_and_through_no_face_by_others(
    sandbox: Sandbox, settings: Settings, tmp_path: Path
) -> None:
    fill(sandbox, settings)
    store = build_store(settings, Meter())
    for source in SOURCES:
        ours = {hit.id for hit in store.lookup(source, where=Filter(viewer=READER), limit=100)}
        public = {hit.id for hit in store.lookup(source, where=Filter(), limit=100)}
        assert public < ours, source
        assert public, source
    public_count = len(find("crane", settings=settings, limit=100).answers)

    with served(settings, tmp_path) as (url, _):

        def ask(path: str, **query: str) -> str:
            answer = requests.get(f"{url}{path}", params=query, headers=READ, timeout=60)
            assert answer.status_code < 500 or path == "/healthz"
            return answer.text

        for question in QUESTIONS:
            for viewer in ("", "x@y.z', 'restricted"):
                query = {"q": question, "viewer": viewer, "limit": "100"}
                said = ask("/api/find-context", **query)
                answers = json.loads(said)["answers"]
                assert SECRET not in json.dumps([{**answer, "score": 0} for answer in answers])
                assert len(answers) <= public_count
        for path in ("/api/sync-status", "/metrics", "/healthz", "/openapi.json"):
            assert SECRET not in ask(path), path
            assert READER not in ask(path), path
        two_viewers = [("q", "budget"), ("viewer", "eve@example.com"), ("viewer", READER)]
        refused = requests.get(
            f"{url}/api/find-context", params=two_viewers, headers=READ, timeout=60
        )
        assert refused.status_code == 422
        assert SECRET not in refused.text
        for bad in ({"q": SECRET, "limit": "0"}, {"q": SECRET, "source": SECRET}):
            refused = requests.get(f"{url}/api/find-context", params=bad, headers=READ, timeout=60)
            assert refused.status_code in (400, 422)
        assert SECRET in ask("/api/find-context", q="budget", viewer=READER, limit="100")

    for words in (["budget"], ["budget", "--json"], ["HAR-666"], ["x", "--container", "secret"]):
        run = CliRunner().invoke(app, ["find", *words, "--limit", "100"])
        assert run.exit_code == 0
        assert SECRET not in run.output
    run = CliRunner().invoke(app, ["find", "budget", "--limit", "100", "--viewer", READER])
    assert SECRET in run.output


@pytest.mark.parametrize("viewer", NOT_ON_THE_LIST)
def test_no_spelling_of_a_viewer_opens_a_document(tmp_path: Path, viewer: str) -> None:
    settings = Settings(lancedb_uri=str(tmp_path), vector_assets_sources="notion")
    restricted(settings, "notion")
    answers = find(SECRET, settings=settings, where=Filter(viewer=viewer))
    assert answers.answers == ()
    assert len(find(SECRET, settings=settings, where=Filter(viewer=READER)).answers) == 1


# In the store


def test_each_search_that_pinecone_is_asked_carries_who_asks(
    sandbox: Sandbox, settings: Settings, recorder: Recorder
) -> None:
    if settings.vector_store != "pinecone":
        pytest.skip("LanceDB is asked in this process; the conformance suite holds its prefilter")
    restricted(settings, "notion")
    recorder.bodies.clear()
    find(f"{SECRET} HAR-1", settings=settings, sources=("notion", "jira"))
    find(SECRET, settings=settings, sources=("notion",), where=Filter(viewer="Eve@example.com"))
    asked = [
        json.loads(body)
        for path, body in recorder.bodies
        if path.endswith(("/query", "/documents/search"))
    ]
    # The watermark asks for the time of activity alone, and heads for ids.
    searches = [
        request for request in asked if "score_by" in request or request.get("topK") == CANDIDATES
    ]
    assert len(searches) >= 3
    allowed = [["public"], ["public", "eve@example.com"]]
    for request in searches:
        assert request["filter"]["$and"][0]["access"]["$in"] in allowed
    assert any(request["filter"]["$and"][0]["access"]["$in"] == allowed[1] for request in searches)


# At no moment


class CutError(Exception):
    """The process died here."""


def long_document(text: str, access: tuple[str, ...]) -> Document:
    words = [f"{text} crane harbour number{n} " * 8 for n in range(5)]
    return document("1", *words, access=access)


def sync(store: VectorStore, document: Document, embedder: TinyEmbedder) -> None:
    Pipeline(source=ListSource([document]), target=target_of(store, embedder), meter=Meter()).run(
        Days(DAY, DAY)
    )


def found_by(store: VectorStore, viewer: str = "") -> list[str]:
    """Return the documents that questions after any of the chunks find."""
    questions = ["crane harbour number0", "crane harbour number4"]
    return sorted(
        {
            answer.document_id
            for question in questions
            for answer in find(
                question,
                settings=Settings(vector_assets_sources="jira"),
                store=store,
                embedder=TinyEmbedder(),
                where=Filter(viewer=viewer),
                limit=100,
                as_of={"jira": None},
            ).answers
        }
    )


WRITES = ("upsert", "update_metadata", "delete", "delete_older")


@pytest.mark.parametrize("text", ["same", "other"])
def test_a_document_that_is_closed_is_closed_from_the_first_write_on_lancedb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    cuts = 0
    for cut_at in range(1, 30):
        store = build_store(Settings(lancedb_uri=str(tmp_path / str(cut_at))), Meter())
        embedder = TinyEmbedder()
        sync(store, long_document("same", ("public",)), embedder)
        assert found_by(store) == ["jira:1"]
        left = cut_at

        def cut(verb: Callable[..., Any]) -> Callable[..., Any]:
            def call(namespace: str, given: Any) -> Any:
                nonlocal left
                if given:
                    if not left:
                        raise CutError
                    left -= 1
                return verb(namespace, given)

            return call

        closed = long_document(text, ("restricted", READER))
        with monkeypatch.context() as patched, suppress(CutError):
            for name in WRITES:
                patched.setattr(store, name, cut(getattr(store, name)))
            sync(store, closed, embedder)
        cuts += not left
        assert found_by(store) == [], f"after {cut_at} writes"
        sync(store, closed, embedder)
        assert found_by(store) == []
        assert found_by(store, READER) == ["jira:1"]
        if left:
            break
    assert cuts >= 1


@pytest.mark.parametrize("text", ["same", "other"])
@pytest.mark.parametrize("api", ["documents", "vectors"])
def test_a_document_that_is_closed_is_closed_from_the_first_request_on_pinecone(
    sandbox: Sandbox, api: str, text: str
) -> None:
    given = {name.lower(): value for name, value in sandbox.environment.items()}
    settings = Settings.model_validate({**given, "vector_store": "pinecone"})
    if api == "vectors":
        make_vector_index(sandbox)
    store, embedder = build_store(settings, Meter()), TinyEmbedder()
    namespace = "/namespaces/jira/documents/up" if api == "documents" else "/vectors/up"
    closed = long_document(text, ("restricted", READER))
    sync(store, long_document("same", ("public",)), embedder)
    paths = {p for _, p, _ in sandbox.faults.log if namespace in p}
    prefix = next(iter(paths)).partition(namespace)[0] + namespace
    for cut_at in range(1, 30):
        # Open and whole again, whatever the cut before left.
        store.delete("jira", [f"jira:1#{n}" for n in range(20)])
        sync(store, long_document("same", ("public",)), embedder)
        assert found_by(store) == ["jira:1"]
        rule = sandbox.faults.fail(prefix, skip=cut_at, status=400)
        with suppress(VectorAssetsError):
            sync(store, closed, embedder)
        sandbox.faults.rules.clear()
        assert found_by(store) == [], f"after {cut_at} requests"
        sync(store, closed, embedder)
        assert found_by(store) == []
        assert found_by(store, READER) == ["jira:1"]
        if rule.skip:
            break
    assert cut_at >= 3
