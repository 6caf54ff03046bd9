"""A secret that four vendors hold: not in a request, an index, an answer, a log or a record."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from vector_assets.cli.main import app
from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.index.search import find
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter
from vector_assets_tests.orchestration.parts import plain
from vector_assets_tests.sources.fireflies.meetings import meeting, sentence
from vector_assets_tests.sources.jira.issues import adf, comment, issue
from vector_assets_tests.sources.notion.pages import block, page, paragraph
from vector_assets_tests.sources.slack.team import populate, say
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dates import yesterday, yesterday_noon
from vector_assets_tests.support.fake_secrets import private_key, some

TOKEN = "gh" + "p_" + some(36)
KEY = private_key(lines=6)
PASSWORD = "correct-horse-7"
SECRETS = (TOKEN, PASSWORD, *KEY.splitlines()[1:-1])


def leaking_workspace(sandbox: Sandbox) -> None:
    """One document a source, all of the same day, with secrets wherever words may stand."""
    noon = yesterday_noon()
    sandbox.workspace.issues.append(
        issue(
            1,
            updated=noon,
            summary=f"Rotate {TOKEN}",
            description=adf("The key:", KEY, "ends here."),
            comments=(comment(1, f"password: {PASSWORD}"),),
        )
    )
    populate(sandbox)
    say(sandbox, f"{noon:%Y-%m-%dT%H:%M}", f"lighthouse token is `{TOKEN}`\n```{KEY}```")
    edited = f"{noon:%Y-%m-%dT%H:%M}:00.000Z"
    sandbox.workspace.pages.append(
        page(
            f"Lighthouse {TOKEN}",
            paragraph(f"Log in with password: {PASSWORD}"),
            block("code", KEY, language="plain text"),
            edited=edited,
        )
    )
    sandbox.workspace.transcripts.append(
        meeting(
            1,
            title=f"Lighthouse {TOKEN}",
            date=int(noon.timestamp() * 1000),
            sentences=[sentence(1, f"The password is {PASSWORD}, do not tell anybody.")],
        )
    )


@pytest.fixture(params=("pinecone", "lancedb"))
def settings(
    request: pytest.FixtureRequest,
    serve: Callable[[Workspace], Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Settings:
    """Settings of a leaking team, over each store in turn; a leak to another vendor is refused."""
    sandbox = serve(Workspace())
    leaking_workspace(sandbox)
    for path in ("/openai", "/pinecone"):
        for secret in SECRETS:
            sandbox.faults.fail(path, contains=secret, status=400)
    environment = {
        **sandbox.environment,
        "VECTOR_STORE": request.param,
        "LANCEDB_URI": str(tmp_path / "lancedb"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_no_secret_leaves_its_vendor_whichever_way_a_run_is_started(
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    day = Days(yesterday(), yesterday())
    defs = build_defs(settings)
    with dagster_instance() as instance:
        results = [
            materialize_in_process(defs, source, day, instance=instance) for source in SOURCE_NAMES
        ]
        assert all(result.success for result in results)
        records = "\n".join(
            str(event) for result in results for event in instance.all_logs(result.run_id)
        )
        counts = {
            materialization.asset_key.to_user_string(): plain(
                materialization.metadata["redacted_secrets"]
            )
            for result in results
            for event in result.get_asset_materialization_events()
            for materialization in [event.materialization]
        }
    printed = capfd.readouterr()
    assert leaks(records + caplog.text + printed.out + printed.err) == []
    assert counts == {
        "jira_documents": 3,
        "slack_documents": 2,
        "notion_documents": 3,
        "fireflies_documents": 2,
    }

    store = build_store(settings, Meter())
    answers = find("lighthouse password key token", settings=settings, limit=20).answers
    assert {answer.source for answer in answers} == set(SOURCE_NAMES)
    assert leaks(repr(answers)) == []
    for source in SOURCE_NAMES:
        hits = store.lookup(source, where=Filter(), limit=100)
        assert hits
        assert leaks(repr(hits)) == []
        assert "[redacted: " in repr(hits)
    assert leaks(b"".join(map(Path.read_bytes, files(tmp_path))).decode("latin-1")) == []

    run = CliRunner().invoke(app, ["sync", "--days", "1", "--rescan", "--json"])
    assert leaks(run.output) == []
    reports = json.loads(run.stdout)
    assert {report["source"]: report["redacted_secrets"] for report in reports} == {
        name.removesuffix("_documents"): count for name, count in counts.items()
    }
    # Another way to start it finds nothing to do: the same secrets give way to the same words.
    assert [report["embedded_chunks"] for report in reports] == [0, 0, 0, 0]
    assert "secrets redacted" in CliRunner().invoke(app, ["sync", "--days", "1"]).stdout


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
