"""The nightly examination as an unpartitioned asset, whose metadata the UI plots."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.maintenance.quality.examine import Examination, examine
from vector_assets.maintenance.quality.own import read_own
from vector_assets.maintenance.quality.record import Outcome
from vector_assets.maintenance.quality.scores import Scores
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, quality_key
from vector_assets.monitoring.dagster_state.names import QUALITY_CHECK
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.freshness import QUALITY_FRESHNESS
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.resources import EmbedderResource, open_index, progress_log
from vector_assets.sources import SOURCES

_MAX_NAMED = 10


def build_quality_asset(
    sources: Sequence[str], settings: Settings, naming: Naming = APPLICATION
) -> dg.AssetsDefinition:
    """Return the asset."""
    key = quality_key(naming)

    @dg.asset(
        key=key,
        description=(
            "Questions whose answer is known, made out of documents and asked of the real search "
            "each night: how often the right document comes first, and whether that became worse."
        ),
        group_name=naming.group,
        owners=naming.owners,
        tags=naming.tags,
        deps=[asset_key(source, naming) for source in sources],
        required_resource_keys={naming.embedder, naming.vector_index},
        kinds={settings.vector_store},
        freshness_policy=QUALITY_FRESHNESS,
        check_specs=[
            dg.AssetCheckSpec(
                QUALITY_CHECK,
                asset=key,
                description="The same questions are answered no worse than on the nights before.",
            )
        ],
    )
    def answer_quality(context: dg.AssetExecutionContext) -> Iterator[Any]:
        embedder: EmbedderResource = getattr(context.resources, naming.embedder)
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            meter = Meter()
            own = read_own(settings.quality_questions)
            index = vector_index.build_index(meter)
            target = open_index(index, embedder, meter)
            log = progress_log(context.log, lambda done: f"{done} questions asked")
            examination = examine(
                target.store,
                target.embedder,
                target.ledger,
                (*SOURCES, *index.hosts()),
                own=own,
                on_progress=lambda done, total: log(done),
            )
            yield dg.MaterializeResult(
                metadata=_metadata_of(examination), check_results=[_check_of(examination)]
            )

    return answer_quality


def _check_of(examination: Examination) -> dg.AssetCheckResult:
    unknown = examination.unknown_links
    parts = [f"{examination.outcome}: {examination.detail}".removesuffix(": ")]
    if unknown:
        named = ", ".join(unknown[:_MAX_NAMED])
        parts.append(f"no public document of the index has the link {named}")
    return dg.AssetCheckResult(
        passed=examination.outcome is not Outcome.WORSE,
        check_name=QUALITY_CHECK,
        description="; ".join(parts),
        metadata={
            f"{comparison.series}".replace(" ", "_"): comparison.now - comparison.before
            for comparison in examination.comparisons
            if comparison.pairs
        },
    )


def _metadata_of(examination: Examination) -> Mapping[str, dg.MetadataValue]:
    """Return the numbers of all questions and of each source, which the UI plots, and a table."""
    numbers = {
        name: value
        for prefix, scores in {"": examination.scores, **_prefixed(examination)}.items()
        for name, value in _numbers_of(prefix, scores).items()
    }
    return {
        **numbers,
        "lost_words": dg.MetadataValue.int(len(examination.lost)),
        "outcome": dg.MetadataValue.text(str(examination.outcome)),
        "table": dg.MetadataValue.md(_table_of(examination)),
    }


def _prefixed(examination: Examination) -> dict[str, Scores]:
    return {f"{source}_": scores for source, scores in examination.by_source.items()}


def _numbers_of(prefix: str, scores: Scores) -> dict[str, dg.MetadataValue]:
    return {
        f"{prefix}questions": dg.MetadataValue.int(scores.asked),
        f"{prefix}hit_at_1": dg.MetadataValue.float(scores.hit_at_1),
        f"{prefix}hit_at_10": dg.MetadataValue.float(scores.hit_at_10),
        f"{prefix}mrr": dg.MetadataValue.float(scores.mrr),
        f"{prefix}p95_seconds": dg.MetadataValue.float(scores.p95_seconds),
    }


def _table_of(examination: Examination) -> str:
    lines = ["| | questions | hit@1 | hit@10 | MRR | p95 |", "|-|-|-|-|-|-|"]
    groups = {**examination.by_source, **examination.by_kind}
    lines += [
        f"| {name} | {scores.asked} | {scores.hit_at_1:.0%} | {scores.hit_at_10:.0%} | "
        f"{scores.mrr:.3f} | {scores.p95_seconds:.3f} s |"
        for name, scores in groups.items()
    ]
    return "\n".join(lines)
