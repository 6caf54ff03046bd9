"""One unpartitioned asset per source: the prune of its documents, with a check for refusals."""

from collections.abc import Iterator
from dataclasses import asdict

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.maintenance.prune.prune import Prune
from vector_assets.maintenance.prune.report import PruneReport
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.names import PRUNE_CHECK
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.resources import SourcesResource, progress_log

MAX_ROWS = 100
"""Most rows of a metadata table; the counts beside it cover everything."""


def build_prune_asset(
    source: str, max_share: float, index_kind: str, naming: Naming = APPLICATION
) -> dg.AssetsDefinition:
    """Return the asset of a source's prune."""
    key = prune_key(source, naming)

    @dg.asset(
        key=key,
        description=f"Deletes from the index what is gone from {source}.",
        group_name=naming.prune_group,
        owners=naming.owners,
        tags=naming.tags,
        required_resource_keys={naming.sources, naming.vector_index},
        kinds={source, index_kind},
        deps=[asset_key(source, naming)],
        check_specs=[
            dg.AssetCheckSpec(
                PRUNE_CHECK,
                asset=key,
                description="The prune could delete everything that the source no longer lists.",
            )
        ],
        pool=naming.named(source),
    )
    def prune(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        sources: SourcesResource = getattr(context.resources, naming.sources)
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            meter = Meter()
            report = Prune(
                sources.connect(source, meter),
                vector_index.build_index(meter).open(),
                meter,
                max_share=max_share,
                on_progress=progress_log(context.log, _progress_line),
            ).run()
        yield dg.MaterializeResult(
            metadata=_metadata(report), check_results=[_check_result(report)]
        )

    return prune


def _progress_line(report: PruneReport) -> str:
    return (
        f"{report.listed_documents:,} listed, {report.judged_documents:,} in the index, "
        f"{len(report.deleted):,} deleted"
    )


def _check_result(report: PruneReport) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not report.refusals,
        check_name=PRUNE_CHECK,
        description=report.refusals_in_words or "nothing was refused",
        metadata={"refused": _refused(report)},
    )


def _metadata(report: PruneReport) -> dict[str, dg.MetadataValue]:
    deleted = set(report.deleted)
    rows = [
        dg.TableRecord(
            {
                "document": document.document_id,
                "container": document.container,
                "updated_at": f"{document.updated_at:%Y-%m-%d %H:%M}",
            }
        )
        for document in report.missing
        if document.document_id in deleted
    ]
    columns = [dg.TableColumn(name) for name in ("document", "container", "updated_at")]
    numbers = {
        "listed_documents": report.listed_documents,
        "judged_documents": report.judged_documents,
        "too_new_documents": report.too_new_documents,
        "moved_documents": report.moved_documents,
        "deleted_documents": len(report.deleted),
        "kept_documents": report.kept_documents,
        "refused_documents": sum(refusal.documents for refusal in report.refusals),
        "run_requests": sum(report.requests.values()),
    }
    return {
        **{name: dg.MetadataValue.int(number) for name, number in numbers.items()},
        "run_seconds": dg.MetadataValue.float(report.seconds),
        "deleted": dg.MetadataValue.table(rows[:MAX_ROWS], schema=dg.TableSchema(columns)),
        "refused": _refused(report),
    }


def _refused(report: PruneReport) -> dg.TableMetadataValue:
    rows = [dg.TableRecord(asdict(refusal)) for refusal in report.refusals[:MAX_ROWS]]
    kinds = {"subject": "string", "documents": "int", "reason": "string", "advice": "string"}
    columns = [dg.TableColumn(name, kind) for name, kind in kinds.items()]
    return dg.MetadataValue.table(rows, schema=dg.TableSchema(columns))
