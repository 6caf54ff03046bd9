"""`vector-assets import`: years of history into an empty index of Pinecone, from object storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vector_assets.cli.options import json_option
from vector_assets.core.errors import UsageError
from vector_assets.core.settings import load_settings

if TYPE_CHECKING:
    from vector_assets.maintenance.bulk_import.importer import ImportReport, OnProgress


@click.command("import")
@click.option("--from", "source", help="LanceDB, folder or URI.  [default: LANCEDB_URI]")
@click.option("--staging", help="Where its records are laid out as files: s3://bucket/prefix.")
@click.option("--integration", default="", help="Pinecone's storage integration for that bucket.")
@click.option("--cancel", is_flag=True, help="Take an unfinished import back; nothing else.")
@json_option
def import_index(
    source: str | None, staging: str | None, integration: str, cancel: bool, as_json: bool
) -> None:
    """Fill an empty Pinecone index from a LanceDB, by Pinecone's import from object storage.

    For a first load of years: it spares the write units and requests of every batch. Fill the
    LanceDB by `vector-assets sync`; its vectors are taken as they are. Run it again when it was
    stopped or killed: it finds its import and goes on. The nights go on from there.

    \b
    Examples:
      VECTOR_STORE=lancedb vector-assets sync --from 2024-01-01
      vector-assets import --staging s3://bucket/prefix --integration ID
      vector-assets import --cancel
    """
    from vector_assets.cli import output as terminal
    from vector_assets.maintenance.bulk_import.importer import Importing

    if cancel and (source or staging or integration):
        raise UsageError("--cancel was given with another option: it is used alone")
    if not cancel and not staging:
        raise UsageError(
            "--staging is not given: say where the files shall lie, s3://bucket/prefix"
        )
    settings = load_settings()
    if cancel:
        taken_back = Importing(settings).cancel()
        if as_json:
            terminal.print_json({"taken_back": taken_back})
        else:
            click.echo(f"taken back: {taken_back}" if taken_back else "nothing to take back")
        return
    assert staging is not None
    with _progress() as on_progress:
        importing = Importing(settings, on_progress=on_progress)
        report = importing.run(source or settings.lancedb_uri, staging, integration)
    if as_json:
        terminal.print_json(asdict(report))
    else:
        click.echo(_report_text(report))


@contextmanager
def _progress() -> "Iterator[OnProgress]":
    """Show a bar on stderr while the block runs."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from vector_assets.cli.output import err

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.fields[line]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err()) as progress:
        task = progress.add_task("asking", total=None, line="")

        def show(report: "ImportReport") -> None:
            line = f"{report.done:,} of {report.total:,} records"
            if report.status and report.stage == "importing":
                line += f" · import {report.import_id} is {report.status}"
            progress.update(
                task,
                description=report.stage,
                total=report.total or None,
                completed=report.done,
                line=line,
            )

        yield show


def _report_text(report: "ImportReport") -> str:
    lines = [f"{name:<10} {count:,} records" for name, count in report.counts.items()]
    if report.brought_over:
        lines.append(f"{report.brought_over:,} records written meanwhile were brought over")
    lines.append(
        f"imported, compared and live; {report.seconds:,.0f} s. "
        f"Set VECTOR_STORE=pinecone for the nights"
    )
    if report.left_files:
        lines.append(f"the staged files could not be deleted: see to {report.left_files}")
    return "\n".join(lines)
