"""Writes the documents that an asset of another project returns, with the pipeline of our own.

An asset's metadata says what differs from the defaults; all names begin with `vector_assets/`:

- `namespace`: where the documents go, and their `Document.source`; by default the asset's key.
- `complete`: true when the asset returns every document there is (of its time partition, if it has
  time partitions), so that what it does not return any more is deleted.
- `max_share`: how much of the documents a run may delete (0.2).
- `late_after_hours`: how old the namespace may be before it is late (30).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import UsageError
from vector_assets.core.memory import freeze_what_is_loaded
from vector_assets.core.meter import Meter
from vector_assets.index.hosts import HostNamespace, host_namespaces, record_host
from vector_assets.index.ledger import NAMESPACE as LEDGER
from vector_assets.index.targets import WriteTarget
from vector_assets.maintenance.canary import CANARY
from vector_assets.maintenance.prune.prune import EPOCH, EVERYTHING, Prune
from vector_assets.maintenance.prune.report import PruneReport
from vector_assets.monitoring.dagster_state.names import ROWS
from vector_assets.orchestration.metadata import metadata_by_day, metadata_of_run
from vector_assets.pipeline.given import GivenDocuments, given_documents
from vector_assets.pipeline.plan import Planner
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.sources import SOURCES

PREFIX = "vector_assets/"
_NAMES = ("namespace", "complete", "max_share", "late_after_hours")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class HostAsset:
    """An asset of another project, and what its run covers.

    Attributes:
        window: Of the run's time partitions; None without any.
        days: The days whose partitions the run covers; None unless each partition is a UTC day.
    """

    key: str
    namespace: str
    is_complete: bool
    max_share: float
    late_after_hours: float | None
    is_partitioned: bool
    window: Window | None
    days: Days | None

    @classmethod
    def of(cls, context: dg.OutputContext, max_share: float) -> "HostAsset":
        """Read an asset's metadata and the run's partitions, or raise `UsageError`."""
        if not context.has_asset_key:
            raise UsageError(
                "the output of an op that is no asset has no namespace: return the documents from "
                "an @dg.asset"
            )
        given = _metadata(context)
        key = context.asset_key.to_user_string()
        asset = cls(
            key,
            _namespace(given.get("namespace"), context.asset_key),
            _flag("complete", given.get("complete", False)),
            _number("max_share", given.get("max_share", max_share), most=1.0),
            (
                _number("late_after_hours", given["late_after_hours"], least=0.01)
                if "late_after_hours" in given
                else None
            ),
            context.has_asset_partitions,
            _window(context),
            _days(context),
        )
        if asset.is_complete and asset.is_partitioned and asset.window is None:
            raise UsageError(
                f"{key} is 'vector_assets/complete' and its partitions are no spans of time, so "
                f"that nothing tells which documents of {asset.namespace!r} are of a partition: "
                f"remove 'vector_assets/complete', or use time partitions or none"
            )
        return asset

    def source(self, documents: object) -> GivenDocuments:
        """Return the documents as a source; raises `UsageError` when they are something else."""
        seen = type(documents).__name__
        is_wrong = isinstance(documents, str | bytes | Mapping | Document)
        if is_wrong or not isinstance(documents, Iterable):
            advice = "return [document]" if isinstance(documents, Document) else "return a list"
            raise UsageError(
                f"{self.key} returned a {seen}: it has to return vector_assets.Document objects, "
                f"in a list, a generator or another iterable. {advice[0].upper()}{advice[1:]}, or "
                f"dg.Output(generator)"
            )
        return given_documents(self.namespace, documents, self.window if self.is_complete else None)

    def stream(
        self, source: GivenDocuments, target: WriteTarget, meter: Meter, now: datetime
    ) -> EmbeddedDocuments:
        """Return the stream of the documents into the index; nothing is drawn until then."""
        store, embedder = target.store, target.embedder
        store.open(self.namespace, embedder.dimensions)
        # A window into the present releases from quarantine what is not returned any more.
        is_everything = self.is_complete and self.window is None
        window = EVERYTHING if is_everything else self.window or Window(EPOCH, now)
        today = now.date()
        freeze_what_is_loaded()
        return EmbeddedDocuments(
            source=source,
            days=self.days or Days(today, today),
            window=window,
            target=target,
            planner=Planner(store, self.namespace, embedder),
            quarantine=Quarantine(target.ledger, self.namespace, window),
            meter=meter,
        )


class HostRun:
    """One run of an asset of another project: what it deletes, records and reports."""

    def __init__(self, asset: HostAsset, target: WriteTarget, meter: Meter) -> None:
        self._asset = asset
        self._target = target
        self._meter = meter
        self._now = datetime.now(UTC)
        self._earlier = self._recorded()

    def stream(self, source: GivenDocuments) -> EmbeddedDocuments:
        """Return the stream to write."""
        if self._asset.is_complete:
            store = self._target.store
            source.held_before = {
                document_id for document_id, _ in store.documents(self._asset.namespace)
            }
        return self._asset.stream(source, self._target, self._meter, self._now)

    def prune(self, source: GivenDocuments) -> PruneReport | None:
        """Delete what a complete asset did not return; None when nothing may be deleted."""
        if not self._asset.is_complete or not source.document_count:
            return None
        prune = Prune(source, self._target.store, self._meter, max_share=self._asset.max_share)
        return prune.run(self._asset.window or EVERYTHING)

    def record(self, *, is_written: bool) -> None:
        """Record in the ledger that the run has succeeded."""
        ends = [self._earlier.covered_until]
        if self._asset.window is not None:
            ends.append(self._asset.window.end)
        host = replace(
            self._earlier,
            last_run_at=self._now,
            covered_until=max((end for end in ends if end), default=None),
            late_after_hours=self._asset.late_after_hours,
        )
        if host.is_worth_recording_after(self._earlier, is_written=is_written):
            record_host(self._target.ledger, host)

    def _recorded(self) -> HostNamespace:
        """Return what the ledger says, and record a namespace before its first document."""
        asset = self._asset
        known = host_namespaces(self._target.ledger).get(asset.namespace)
        host = known or HostNamespace(asset.namespace, ())
        if asset.key not in host.assets:
            host = replace(host, assets=(*host.assets, asset.key))
            record_host(self._target.ledger, host)
        if asset.is_complete and len(host.assets) > 1:
            others = ", ".join(name for name in host.assets if name != asset.key)
            raise UsageError(
                f"{asset.key} is 'vector_assets/complete', and {others} has written to its "
                f"namespace {asset.namespace!r} as well, so that what it does not return may be "
                f"of that asset: give it another 'vector_assets/namespace'"
            )
        return host


def host_metadata(
    asset: HostAsset, report: SyncReport, pruned: PruneReport | None
) -> dict[str, dg.MetadataValue]:
    """Return the numbers of a run over no partition or one."""
    rows = "partition_row_count" if asset.is_partitioned else "row_count"
    metadata = metadata_of_run(report)
    metadata[f"dagster/{rows}"] = dg.MetadataValue.int(report.total.documents)
    metadata["namespace"] = dg.MetadataValue.text(asset.namespace)
    if pruned is not None:
        metadata["deleted_documents"] = dg.MetadataValue.int(len(pruned.deleted))
        metadata["refused_documents"] = dg.MetadataValue.int(
            sum(refusal.documents for refusal in pruned.refusals)
        )
    return metadata


def host_metadata_by_day(days: Days, report: SyncReport) -> dict[date, dict[str, Any]]:
    """Return the numbers of each day of a run over several daily partitions."""
    by_day = metadata_by_day(report, list(days))
    return {
        day: {**metadata, ROWS: dg.MetadataValue.int(report.days[day].documents)}
        for day, metadata in by_day.items()
    }


def _metadata(context: dg.OutputContext) -> dict[str, Any]:
    given = {
        name.removeprefix(PREFIX): getattr(value, "value", value)
        for name, value in (context.definition_metadata or {}).items()
        if name.startswith(PREFIX)
    }
    if unknown := sorted(given.keys() - set(_NAMES)):
        raise UsageError(
            f"the asset's metadata has {PREFIX}{unknown[0]}, which is not known: choose from "
            f"{', '.join(PREFIX + name for name in _NAMES)}"
        )
    return given


def _namespace(given: object, key: dg.AssetKey) -> str:
    name = given if given is not None else "_".join(key.path).lower()
    if not isinstance(name, str) or not _NAMESPACE.fullmatch(name):
        raise UsageError(
            f"the namespace of {key.to_user_string()} is {name!r}: it has to be at most 63 "
            f"lower-case letters, digits, _ and -. Set the metadata 'vector_assets/namespace'"
        )
    if name in (*SOURCES, LEDGER, CANARY):
        raise UsageError(
            f"the namespace {name!r} of {key.to_user_string()} is used by vector-assets itself: "
            f"set the asset's metadata 'vector_assets/namespace' to another name"
        )
    return name


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{PREFIX}{name} is {value!r}: set it to True or False")
    return value


def _number(name: str, value: object, least: float = 0.0, most: float = 87_600.0) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= float(str(value)) <= most:
        raise UsageError(
            f"{PREFIX}{name} is {value!r}: set it to a number from {least:g} to {most:g}"
        )
    return float(str(value))


def _window(context: dg.OutputContext) -> Window | None:
    """Return the time that the run's partitions cover; None when they are no spans of time."""
    if not context.has_asset_partitions:
        return None
    if not isinstance(context.asset_partitions_def, dg.TimeWindowPartitionsDefinition):
        return None
    span = context.asset_partitions_time_window
    return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))


def _days(context: dg.OutputContext) -> Days | None:
    """Return the UTC days whose partitions the run covers; None where a partition is no UTC day."""
    window = _window(context)
    if window is None or window.end is None:
        return None
    first, last = window.start.date(), (window.end - timedelta(seconds=1)).date()
    days = Days(first, last)
    is_daily = [*context.asset_partition_keys] == [day.isoformat() for day in days]
    starts_at_midnight = window.start.time() == datetime.min.time()
    return days if is_daily and starts_at_midnight else None
