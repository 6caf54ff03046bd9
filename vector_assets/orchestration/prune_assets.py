"""One unpartitioned asset per source: the prune of its documents, with a check for refusals."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.maintenance.prune.prune import Prune
from vector_assets.maintenance.prune.report import PruneReport
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.instance import newest_result
from vector_assets.monitoring.dagster_state.names import PRUNE_CHECK
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.freshness import PRUNE_FRESHNESS
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.resources import SourcesResource, progress_log
from vector_assets.orchestration.run_config import PruneConfig, prune_config

MAX_ROWS = 100
"""Most rows of a metadata table; the counts beside it cover everything."""

_LAST = "The last one said: "
_APPROVE = (
    "In the launchpad, dry_run: true lists what would be deleted, and max_share: 1, with a "
    "container where one is named, approves it."
)


def build_prune_asset(
    source: str, max_share: float, index_kind: str, naming: Naming = APPLICATION
) -> dg.AssetsDefinition:
    """Return the asset of a source's prune."""
    key = prune_key(source, naming)
    options = prune_config(max_share)
    # `dg.asset` takes it, but its type does not name it.
    schema: Any = options.to_config_schema()

    @dg.asset(
        key=key,
        description=f"Deletes from the index what is gone from {source}.",
        group_name=naming.prune_group,
        owners=naming.owners,
        tags=naming.tags,
        required_resource_keys={naming.sources, naming.vector_index},
        kinds={source, index_kind},
        deps=[asset_key(source, naming)],
        check_specs=[_check_spec(key)],
        freshness_policy=PRUNE_FRESHNESS,
        # A dry run observes the asset and does not materialize it.
        output_required=False,
        config_schema=schema,
        pool=naming.named(source),
    )
    def prune(context: dg.AssetExecutionContext) -> Iterator[Any]:
        config = options(**context.op_execution_context.op_config)
        sources: SourcesResource = getattr(context.resources, naming.sources)
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            meter = Meter()
            config.require_share()
            store = vector_index.build_index(meter).open()
            config.require_containers(store, source)
            report = Prune(
                sources.connect(source, meter),
                store,
                meter,
                max_share=config.max_share,
                on_progress=progress_log(context.log, _progress_line),
            ).run(containers=config.container, is_dry_run=config.dry_run)
        check = _check_result(report, config, _last_refusal(context.instance, key))
        if config.dry_run:
            context.log_event(dg.AssetObservation(key, metadata=_metadata(report)))
            yield check
            return
        yield dg.MaterializeResult(metadata=_metadata(report), check_results=[check])

    return prune


def _check_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        PRUNE_CHECK,
        asset=key,
        description="The prune could delete everything that the source no longer lists.",
    )


def _progress_line(report: PruneReport) -> str:
    return (
        f"{report.listed_documents:,} listed, {report.judged_documents:,} in the index, "
        f"{len(report.deleted):,} deleted"
    )


def _check_result(
    report: PruneReport, config: PruneConfig, last_refusal: str
) -> dg.AssetCheckResult:
    """Return whether anything was refused; a part of a prune passes only if the last one did."""
    words = f"{report.refusals_in_words} {_APPROVE}" if report.refusals else ""
    if not words and config.is_partial and last_refusal:
        words = (
            f"This run was a {'dry run' if config.dry_run else 'prune of some containers'}: a "
            f"whole prune is still to come. {_LAST}{last_refusal.rpartition(_LAST)[2]}"
        )
    return dg.AssetCheckResult(
        passed=not words,
        check_name=PRUNE_CHECK,
        description=words or "nothing was refused",
        metadata={"refused": _refused(report)},
    )


def _last_refusal(instance: dg.DagsterInstance, key: dg.AssetKey) -> str:
    """Return what the last prune that came to an end refused; empty when it refused nothing."""
    # A run that was planned, such as this one, has not evaluated it.
    result = newest_result(instance, dg.AssetCheckKey(key, PRUNE_CHECK))
    newest = result.evaluation if result else None
    if newest is None or newest.passed:
        return ""
    return newest.description or "it refused to delete"


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
        if report.is_dry_run or document.document_id in deleted
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
    table = dg.MetadataValue.table(rows[:MAX_ROWS], schema=dg.TableSchema(columns))
    if report.is_dry_run:
        numbers["would_delete_documents"] = len(rows)
    return {
        **{name: dg.MetadataValue.int(number) for name, number in numbers.items()},
        "run_seconds": dg.MetadataValue.float(report.seconds),
        "would_delete" if report.is_dry_run else "deleted": table,
        "refused": _refused(report),
    }


def _refused(report: PruneReport) -> dg.TableMetadataValue:
    rows = [dg.TableRecord(asdict(refusal)) for refusal in report.refusals[:MAX_ROWS]]
    kinds = {"subject": "string", "documents": "int", "reason": "string", "advice": "string"}
    columns = [dg.TableColumn(name, kind) for name, kind in kinds.items()]
    return dg.MetadataValue.table(rows, schema=dg.TableSchema(columns))
