"""What is told of changes that wait: those of events, and those that confirmed answers found."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from vector_assets.core.settings import settings_of
from vector_assets.index.rereads import Reread, forget_rereads, request_rereads
from vector_assets.monitoring.probes import Probes
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import recorded_index
from vector_assets_tests.support.tiny import TinyEmbedder

NOTED = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_what_confirmed_answers_showed_changed_is_told_until_it_is_read(tmp_path: Path) -> None:
    index = recorded_index(LanceDBStore(str(tmp_path / "index")), TinyEmbedder())
    said = ("edited since, 2026-03-02 09:00 UTC", "edited since", "deleted", "not readable")
    rereads = [
        Reread(f"slack:{n}", reason, date(2026, 3, 1), NOTED + timedelta(minutes=n))
        for n, reason in enumerate(said)
    ]
    request_rereads(index.ledger, [*rereads, Reread("jira:1", "deleted", NOTED.date(), NOTED)])

    changes = Probes(settings_of(), index).probe("slack").changes

    assert [reread.document_id for reread in changes.rereads] == [f"slack:{n}" for n in range(4)]
    assert changes.reread_counts == {"edited since": 2, "deleted": 1, "not readable": 1}
    assert str(changes) == (
        "read again in the next night, as confirmed answers showed: "
        "2 edited since, 1 deleted, 1 not readable"
    )
    assert changes.late_reason(NOTED + timedelta(days=9)) == ""
    forget_rereads(index.ledger, rereads)
    after = Probes(settings_of(), index)
    assert str(after.probe("slack").changes) == ""
    assert str(after.probe("jira").changes).endswith(": 1 deleted")
