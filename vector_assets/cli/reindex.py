"""`vector-assets reindex`: rebuilds the index for other settings and switches to it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vector_assets.cli.options import json_option
from vector_assets.core.errors import UsageError
from vector_assets.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from vector_assets.maintenance.reindex.report import Estimate, ReindexReport


_MAX_LISTED = 10
_NOTHING = "nothing to do: the live index matches the settings, or is empty"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only estimate the work; nothing is written.")
@click.option(
    "--accept-missing", is_flag=True,
    help="Switch even if documents could not be copied, or are no longer listed by a source.",
)  # fmt: skip
@click.option(
    "--accept-worse", "--accept", "accept_worse", is_flag=True,
    help="Switch even if the new index answers known questions worse.",
)  # fmt: skip
@click.option(
    "--drop-old", is_flag=True, help="Only delete the old index that an earlier reindex left."
)
@json_option
def reindex(
    dry_run: bool, accept_missing: bool, accept_worse: bool, drop_old: bool, as_json: bool
) -> None:
    """Rebuild the index for the present settings and version, and switch to it.

    The new index is filled beside the live one, which stays searchable until the switch. Before
    it, both are asked the same questions; a new index that answers worse is not switched to. To
    resume a stopped reindex, run it again; nothing is embedded twice. The old index is kept until
    --drop-old.

    \b
    Examples:
      vector-assets reindex --dry-run          documents, tokens, price
      vector-assets reindex                    fill, compare, examine, switch
      vector-assets reindex --drop-old         once the new index works
    """
    from vector_assets.cli.output.console import print_json
    from vector_assets.maintenance.reindex.reindex import Reindexing

    if drop_old and (dry_run or accept_missing or accept_worse):
        raise UsageError("--drop-old was given with another option: use it alone")
    settings = load_settings()
    if drop_old:
        dropped = Reindexing(settings).drop_old()
        if as_json:
            print_json({"dropped": dropped})
        else:
            click.echo("\n".join(f"deleted: {name}" for name in dropped) or "nothing to delete")
        return
    if dry_run:
        estimate = Reindexing(settings).estimate()
        if as_json:
            print_json(asdict(estimate))
        else:
            click.echo(_estimate_text(estimate))
        return
    report = _run(settings, accept_missing=accept_missing, accept_worse=accept_worse)
    if as_json:
        print_json(asdict(report))
    else:
        click.echo(_report_text(report))


def _run(settings: Settings, *, accept_missing: bool, accept_worse: bool) -> "ReindexReport":
    """Reindex, and show on stderr how far it is."""
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.maintenance.reindex.reindex import Reindexing

    with show_progress("reindex") as progress:

        def show(source: str, report: "ReindexReport") -> None:
            stats = report.stats
            line = (
                f"{source}: {stats.documents:,} documents read, {report.wanted:,} in the index · "
                f"{stats.embedded_chunks:,} chunks embedded"
            )
            total = max(report.wanted, stats.documents)
            progress("reindex", line, stats.documents, total)

        return Reindexing(
            settings,
            accepts_missing=accept_missing,
            accepts_worse=accept_worse,
            on_progress=show,
        ).run()


def _estimate_text(estimate: "Estimate") -> str:
    if not estimate.difference:
        return _NOTHING
    price = f"${estimate.dollars:,.2f}" if estimate.dollars else "nothing, or unknown"
    requests = (
        "none to the sources: the texts are in the index"
        if estimate.way == "stored text"
        else "reads all documents from their sources again"
    )
    return "\n".join(
        [
            f"differs    {estimate.difference}",
            f"documents  {estimate.documents:,}",
            f"chunks     {estimate.chunks:,}",
            f"tokens     about {estimate.tokens:,}",
            f"price      {price}",
            f"requests   {requests}",
        ]
    )


def _report_text(report: "ReindexReport") -> str:
    lines = []
    if report.is_switched:
        lines.append(f"switched: {report.difference}")
    elif not report.difference:
        lines.append(_NOTHING)
    stats = report.stats
    lines.append(
        f"{stats.documents - stats.unchanged_documents:,} documents written, "
        f"{stats.embedded_chunks:,} chunks embedded, {stats.reused_chunks:,} reused, "
        f"${stats.dollars:,.2f}; {report.seconds:,.0f} s"
    )
    if report.examined:
        lines.append(report.examined)
    for description, ids in (
        ("could not be copied", [failure.document_id for failure in report.failures]),
        ("lacked chunks; sync their days again", report.damaged),
        ("are no longer listed by a source", report.gone),
    ):
        if ids:
            lines.append(f"{len(ids):,} {description}: {', '.join(ids[:_MAX_LISTED])}")
    if report.is_switched:
        lines.append("the old index is kept: `vector-assets reindex --drop-old` deletes it")
    return "\n".join(lines)
