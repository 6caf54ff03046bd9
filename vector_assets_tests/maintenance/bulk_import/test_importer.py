"""An import through Pinecone's SDK, both of its APIs, and files that the sandbox really reads."""

import pytest

from vector_assets.core.days import Window
from vector_assets.core.errors import (
    ContractError,
    FatalError,
    IndexMismatchError,
    LostWriteError,
    RetryableError,
    UnavailableError,
    UsageError,
)
from vector_assets.core.object_store import Folder
from vector_assets.index import pending_import as imports
from vector_assets.index.generations import Generation
from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.bulk_import import staging
from vector_assets.maintenance.bulk_import.importer import ImportReport
from vector_assets.maintenance.canary import CANARY, last_found
from vector_assets.pipeline.quarantine import Quarantine, quarantined
from vector_assets.pipeline.resume import loaded_days, record_loaded
from vector_assets.sources import SOURCE_NAMES
from vector_assets.sources.items import DocumentFailure
from vector_assets_tests.maintenance.bulk_import.teams import WEEK, Team
from vector_assets_tests.support.tiny import utc

IMPORTS = "/pinecone/vector-assets/bulk/imports"

of_either_api = pytest.mark.parametrize("api", ["documents"], indirect=True)
"""For what the two APIs have in common to the last line."""


def stop(*_: object) -> None:
    raise KeyboardInterrupt("stopped here")


def upserts(team: Team, source: str) -> int:
    asked = team.served.conditions.requests("/pinecone/vector-assets/")
    return sum(count for path, count in asked.items() if "upsert" in path and source in path)


def test_the_index_is_what_the_lancedb_is_and_the_next_night_embeds_and_writes_nothing(
    team: Team, embedded: list[str]
) -> None:
    report = team.run()
    team.assert_imported()
    held = {name: team.store().count(name) for name in SOURCE_NAMES}
    assert dict(report.counts) == held
    assert (report.stage, report.status, report.left_files) == ("done", "Completed", "")
    live = team.store().live()
    assert (live.name, live.kind, live.is_recorded) == ("", team.store(team.old).live().kind, True)
    assert last_found(team.store()) is not None
    assert team.store().count(CANARY)
    embedded.clear()
    for night in team.night():
        total = night.total
        assert (total.embedded_chunks, total.chunks, total.deleted_chunks) == (0, 0, 0)
        assert total.unchanged_documents == total.documents > 0
    assert embedded == []
    assert not any(team.staged.rglob("*.*"))


def test_no_record_of_a_source_is_upserted(team: Team, api: str) -> None:
    team.run()
    if api == "documents":
        assert [upserts(team, f"/{name}/") for name in SOURCE_NAMES] == [0] * len(SOURCE_NAMES)
    # The ledger and the canary: a dozen, however large the index.
    assert upserts(team, "") <= 12


def test_many_batches_and_files_are_imported_whole(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BATCH_RECORDS", 2)
    monkeypatch.setattr(staging, "FILE_RECORDS", 4)
    seen: list[list[str]] = []
    team.run(
        on_progress=lambda report: seen.append(sorted(one.name for one in team.staged.rglob("*.*")))
    )
    assert max(map(len, seen)) > 8
    team.assert_imported()


def test_what_is_known_of_failed_documents_and_unfinished_loads_comes_along(team: Team) -> None:
    old = team.store(team.old)
    ledger = Ledger(old, 64)
    record_loaded(ledger, "jira", WEEK)
    failed = Quarantine(ledger, "jira", Window(utc("2026-01-01"), None))
    failed.note_failure(DocumentFailure("jira:1", "it was refused", WEEK.first))
    failed.save()
    team.run()
    found = Ledger(team.store(), 1)
    assert loaded_days(found, "jira") == [WEEK]
    assert [one.document_id for one in quarantined(found)] == ["jira:1"]
    assert imports.unfinished(found) is None


def test_an_index_that_is_not_empty_is_refused_by_name(team: Team, api: str) -> None:
    team.night()
    with pytest.raises(FatalError, match=r"not empty: it holds records of jira.*PINECONE_INDEX"):
        team.run()
    assert team.served.conditions.requests(IMPORTS) == {}
    assert not team.staged.exists()


def test_a_lancedb_of_another_kind_or_without_anything_is_refused_by_name(
    team: Team, api: str
) -> None:
    if api == "documents":  # An index of vectors has its length, and refuses before.
        other = team.importing(team.settings(vector_store="pinecone", embedding_dimensions=32))
        with pytest.raises(IndexMismatchError, match=r"another kind.*dimensions 64, now 32.*EMBED"):
            other.run(team.lancedb, team.staging)
    with pytest.raises(FatalError, match=r"holds nothing to import.*vector-assets sync"):
        team.importing().run(f"{team.lancedb}-nowhere", team.staging)
    assert team.store().live().is_empty
    assert not team.staged.exists()


@of_either_api
def test_what_is_no_pinecone_and_what_is_no_object_store_are_refused_by_name(team: Team) -> None:
    with pytest.raises(UsageError, match=r"VECTOR_STORE is 'lancedb'.*VECTOR_STORE=pinecone"):
        team.importing(team.old)
    with pytest.raises(UsageError, match=r"ftp://host/folder.*s3://bucket/prefix"):
        team.run("ftp://host/folder")
    with pytest.raises(UsageError, match=r"s3://bucket/prefix.*AWS_ACCESS_KEY_ID") as refused:
        team.run("s3://somebody:secret-word@bucket/prefix")
    assert "secret-word" not in str(refused.value)


def test_a_failed_import_is_named_with_pinecones_reason_and_done_again_from_the_same_files(
    team: Team,
) -> None:
    spoilt: list[str] = []

    def spoil(report: object) -> None:
        """Cut the last file short as soon as all are staged."""
        if getattr(report, "stage", "") == "importing" and not spoilt:
            last = max(one for one in team.staged.rglob("slack/*.*"))
            spoilt.append(str(last))
            last.with_suffix(".kept").write_bytes(last.read_bytes())
            last.write_bytes(last.read_bytes()[:-20])

    with pytest.raises(FatalError, match=r"ended the import 1 of file:.*Failed: slack/00000"):
        team.run(on_progress=spoil)
    assert not team.store().live().is_recorded
    [kept] = team.staged.rglob("*.kept")
    kept.replace(spoilt[0])
    assert team.run().import_id == "2"
    team.assert_imported()


@of_either_api
def test_a_refused_import_is_named_with_what_pinecone_wants(team: Team) -> None:
    said = {"error": {"code": "FORBIDDEN", "message": "no bulk import on this plan"}, "status": 400}
    team.served.conditions.fail(IMPORTS, contains="an-integration", status=400, body=said)
    with pytest.raises(FatalError, match=r"no bulk import on this plan.*--integration.*Standard"):
        team.importing().run(team.lancedb, team.staging, "an-integration")
    team.run()
    team.assert_imported()


@of_either_api
def test_an_import_is_waited_for_while_pinecone_does_not_answer(team: Team) -> None:
    conditions = team.served.conditions
    conditions.import_seconds = 0.5
    conditions.fail(f"{IMPORTS}/", status=400, times=1, skip=2)
    with pytest.raises(ContractError, match=r"imports\.describe"):
        team.run()
    # A refusal is no outage; this is one, longer than the SDK's own retries.
    conditions.fail(f"{IMPORTS}/", status=503, retry_after_seconds=0, times=5)
    team.run()
    team.assert_imported()
    assert conditions.requests(IMPORTS)[f"POST {IMPORTS}"] == 1


@of_either_api
def test_files_that_may_not_be_deleted_are_told(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Folder) -> None:
        raise UnavailableError("the object store", "no s3:DeleteObject")

    monkeypatch.setattr(Folder, "remove", refuse)
    assert team.run().left_files.startswith(f"{team.staging}/import-")


def test_fewer_records_than_were_staged_are_an_error_with_both_counts(team: Team) -> None:
    total = sum(team.store(team.old).count(name) for name in SOURCE_NAMES)
    team.served.conditions.fail(f"{IMPORTS}/", twist="miscount")
    with pytest.raises(LostWriteError, match=rf"imported {total - 1} of {total} records.*--cancel"):
        team.run()
    assert not team.store().live().is_recorded


def test_records_that_are_counted_and_not_there_are_an_error_with_counts_and_names(
    team: Team,
) -> None:
    count = team.store(team.old).count("jira")
    team.served.conditions.fail(IMPORTS, twist="lose")
    wanted = rf"the {count} records of jira .*: {count - 1} of {count} records, 1 missing"
    with pytest.raises(LostWriteError, match=wanted + r" \(jira:\d+#"):
        team.run()
    assert not team.store().live().is_recorded
    # Taken back, the same command fills it anew.
    assert "begun" in team.importing().cancel()
    team.served.conditions.rules.clear()
    team.run()
    team.assert_imported()


def test_what_a_sync_writes_to_the_lancedb_meanwhile_is_brought_over(team: Team) -> None:
    """A document changes, one comes and one goes, and so does a whole source."""
    old = team.store(team.old).base
    jira, notion = (list(old.record_ids(name)) for name in ("jira", "notion"))
    slack = old.fetch("slack", list(old.record_ids("slack")))
    old.delete("jira", jira[:1])
    old.delete("slack", [one.id for one in slack])
    edited = {"fingerprint": "ab.cd", "vector_fingerprint": "ab"}
    changes = iter([None])

    def change(report: ImportReport) -> None:
        if report.stage == "importing" and next(changes, "done") is None:
            team.fill()
            old.delete("notion", notion[:2])
            old.update_metadata("jira", {jira[1]: edited})

    report = team.run(on_progress=change)
    assert report.brought_over == 1 + 1 + len(slack)
    assert report.counts.keys() == {"jira", "notion", "fireflies"}
    team.assert_imported()


@of_either_api
def test_what_was_brought_over_when_a_run_was_stopped_does_not_look_like_a_loss(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = team.store(team.old).base
    held = old.fetch("jira", list(old.record_ids("jira")))
    old.delete("jira", [one.id for one in held[:3]])

    def change(report: ImportReport) -> None:
        if report.stage == "importing":
            old.upsert("jira", held[:2])
        if report.brought_over:
            stop()

    with pytest.raises(KeyboardInterrupt, match="stopped here"):
        team.run(on_progress=change)
    old.upsert("jira", held[2:3])
    assert team.run().brought_over == 1
    team.assert_imported()


@of_either_api
@pytest.mark.parametrize("stage", ["staging", "importing", "comparing"])
def test_no_night_writes_meanwhile_and_the_same_command_goes_on(team: Team, stage: str) -> None:
    def stop_there(report: object) -> None:
        if getattr(report, "stage", "") == stage:
            stop()

    with pytest.raises(KeyboardInterrupt, match="stopped here"):
        team.run(on_progress=stop_there)
    with pytest.raises(RetryableError, match=r"being filled by an import.*import --cancel"):
        team.night()
    with pytest.raises(FatalError, match=r"was begun .*the same --from and --staging"):
        team.run(f"{team.staging}/elsewhere")
    team.run()
    asked = team.served.conditions.requests(IMPORTS)
    assert asked[f"POST {IMPORTS}"] == 1
    team.assert_imported()
    assert team.night()[0].total.embedded_chunks == 0


@of_either_api
def test_an_import_that_runs_is_cancelled_and_the_index_is_empty_again(team: Team) -> None:
    team.served.conditions.import_seconds = 600
    with pytest.raises(KeyboardInterrupt, match="stopped here"):
        team.run(on_progress=lambda report: report.status and stop())
    assert "begun" in team.importing().cancel()
    assert team.importing().cancel() == ""
    assert team.store().live().is_empty
    assert not any(team.staged.rglob("*.*"))
    assert team.night()[0].total.documents > 0


@of_either_api
def test_an_import_that_a_kill_left_after_its_end_is_tidied_up_and_not_done_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(imports, "forget", stop)
        with pytest.raises(KeyboardInterrupt, match="stopped here"):
            team.run()
    assert team.store().live().is_recorded
    team.night()
    report = team.run()
    assert report.stage == "done"
    assert imports.unfinished(Ledger(team.store().base, 1)) is None
    assert team.served.conditions.requests(IMPORTS)[f"POST {IMPORTS}"] == 1


@of_either_api
def test_an_index_that_another_run_calls_live_meanwhile_is_not_taken_for_imported(
    team: Team,
) -> None:
    """As a night does that looked at the index a moment before the import was begun."""
    kind = team.store(team.old).live().kind

    def call_it_live(report: ImportReport) -> None:
        if report.status:
            team.store().catalogue.set_live(Generation("", kind))

    for _ in range(2):
        with pytest.raises(FatalError, match=r"another run has written .*--cancel.*new PINECONE"):
            team.run(on_progress=call_it_live)
    held = team.store().count("jira")
    assert "but for its records" in team.importing().cancel()
    assert team.store().count("jira") == held > 0
