"""`vector-assets demo`: syncs a sandbox through the Dagster assets, without an account."""

import os
import shlex
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import dagster as dg
from rich.progress import track

from vector_assets.cli.output.answers import print_answers
from vector_assets.cli.output.console import err
from vector_assets.cli.output.health import print_health
from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.embedding import build_embedder
from vector_assets.index.search import find
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.health import Health, measure
from vector_assets.monitoring.probes import Probes
from vector_assets.orchestration.local import materialize_in_process, prepare_home
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

DEMO_DAYS = 7

_OVER_THE_SANDBOX = {
    "embedding_provider": "local", "embedding_model": "", "embedding_dimensions": None,
}  # fmt: skip

QUESTIONS = (
    "Why were the labels to Norway blank?",
    "How do I rotate the carrier API keys?",
    "What did we decide about idempotency keys and the retry queue?",
)

_NEXT_STEPS = """\
The sandbox has stopped, so the links above lead nowhere; those of your own accounts will.
What next:
  {keep}    the same week with links that open and Dagster's UI
  .env       your own accounts; `{program} doctor` says what is missing
  LANCEDB_URI={lancedb} {program} find "…"    your own questions to this index
"""


def run_demo(folder: Path) -> None:
    """Sync the packaged workspace through the Dagster assets, then show status and answers."""
    now = datetime.now(UTC)
    # What is not installed is told first, and by its name.
    build_embedder(load_settings().model_copy(update=_OVER_THE_SANDBOX), Meter())
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    with running_sandbox(workspace) as sandbox:
        os.environ.update(
            sandbox.environment,
            DAGSTER_HOME=str(prepare_home(folder / "dagster")),
            LANCEDB_URI=str(folder.absolute() / "lancedb"),
            VECTOR_STORE="lancedb",
            EMBEDDING_PROVIDER="local",
            EMBEDDING_MODEL="",
        )
        settings = load_settings()
        defs, days = build_defs(settings), Days.newest(DEMO_DAYS, now)
        click.echo(f"The sandbox answers on {sandbox.url}; syncing {days.first} to {days.last}.")
        for source in track(settings.enabled_sources, description="Materializing", console=err()):
            materialize_in_process(defs, source, days, log_level="ERROR")
        click.echo("\n$ vector-assets status")
        print_health(_health(settings))
        for question in QUESTIONS:
            click.echo(f'\n$ vector-assets find "{question}"')
            print_answers(question, find(question, settings=settings, limit=3))
    steps = _NEXT_STEPS.format(
        lancedb=shlex.quote(str(folder / "lancedb")), program=_program(), keep="make up"
    )
    click.echo("\n" + steps)


def _program() -> str:
    """Return how this shell can call the program: by name, or by path without an active venv."""
    own = Path(sys.executable).with_name("vector-assets")
    by_name = shutil.which(own.name)
    if by_name is not None and Path(by_name).resolve() == own.resolve():
        return own.name
    is_below = own.is_relative_to(Path.cwd())
    return shlex.quote(str(own.relative_to(Path.cwd()) if is_below else own))


def _health(settings: Settings) -> Health:
    """Measure health without the problem that no daemon runs."""
    with dg.DagsterInstance.get() as instance:
        state = observe_records(instance, settings.enabled_sources, ())
    return measure(settings, Probes(settings), replace(state, heartbeats=None, instigators=None))
