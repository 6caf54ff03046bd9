"""One page asked for by id, and the links that people paste."""

import pytest

from vector_assets.core.errors import SkippableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.notion.source import NotionSource
from vector_assets_tests.sources.notion.pages import database, identity, page
from vector_assets_tests.support.tiny import utc


def source(sandbox: Sandbox) -> NotionSource:
    values = {key.lower(): value for key, value in sandbox.environment.items()}
    return NotionSource.from_settings(Settings.model_validate(values), Meter())


def probe(sandbox: Sandbox, name: str = "One", container: str = "Notion") -> Probed:
    missing = Missing(f"notion:{identity(name)}", container, utc("2026-03-02"))
    return source(sandbox).probe(missing)


def test_a_page_tells_its_last_edit_and_whether_it_is_in_the_trash(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    assert probe(sandbox) == Probed(RemoteState.THERE, utc("2026-03-02T10:00:00"))
    sandbox.workspace.pages = [page("One", edited="2026-03-04T09:00:00.000Z")]
    assert probe(sandbox).updated_at == utc("2026-03-04T09:00")
    sandbox.workspace.pages[0]["in_trash"] = True
    probed = probe(sandbox)
    assert (probed.state, probed.left_out) == (RemoteState.DELETED, "it is in the trash")
    assert "30 days" in probed.advice
    assert sandbox.faults.requests() == {f"GET /notion/v1/pages/{identity('One')}": 3}


def test_a_page_that_is_gone_looks_like_one_that_is_not_shared(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    sandbox.workspace.site.notion_unshared_ids = [identity("One")]
    assert probe(sandbox).state is RemoteState.NOT_SHOWN
    sandbox.workspace.pages = []
    probed = probe(sandbox)
    assert probed.state is RemoteState.NOT_SHOWN
    assert "Connections" in probed.advice
    assert sandbox.faults.requests().total() == 2


def test_a_database_is_told_from_a_page_when_it_is_not_in_the_index(sandbox: Sandbox) -> None:
    sandbox.workspace.databases = [database("Tasks")]
    probed = probe(sandbox, "Tasks", container="")
    assert probed.state is RemoteState.THERE
    assert "it is a database" in probed.left_out


def test_an_integration_without_the_capability_decides_nothing(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    sandbox.workspace.site.notion_capabilities = ["comments", "users"]
    with pytest.raises(SkippableError, match="restricted_resource"):
        probe(sandbox)


def test_what_is_no_id_is_not_sent(sandbox: Sandbox) -> None:
    missing = Missing("notion:../users", "", utc("2026-03-02"))
    assert source(sandbox).probe(missing).state is RemoteState.NOT_SHOWN
    assert not sandbox.faults.log


PLAIN = "0123456789abcdef0123456789ABCDEF"
PAGE = "notion:01234567-89ab-cdef-0123-456789abcdef"
OTHER = "f" * 32


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        (PAGE, PAGE),
        (f"notion:{PLAIN}", PAGE),
        (PLAIN, PAGE),
        (PAGE.removeprefix("notion:"), PAGE),
        (f"Plan-for-2026-{PLAIN}", PAGE),
        (f"https://www.notion.so/{PLAIN}", PAGE),
        (f"https://www.notion.so/acme/Plan-for-2026-{PLAIN}?pvs=4#{OTHER}", PAGE),
        (f"https://acme.notion.site/Plan-{PLAIN}/", PAGE),
        (f"https://app.notion.com/p/acme/Plan-{PLAIN}", PAGE),
        (f"notion://www.notion.so/acme/Plan-{PLAIN}", PAGE),
        (f"https://www.notion.so/acme/{OTHER}?v={OTHER}&p={PLAIN}&pm=s", PAGE),
        ("https://www.notion.so/acme/Plan", None),
        (f"https://notion.so.example.com/{PLAIN}", None),
        (f"see {PLAIN}", None),
        ("notion:", None),
        ("notion:../users", None),
        ("OPS-1", None),
        ("", None),
    ],
)
def test_a_link_or_an_id_names_a_page(text: str, document_id: str | None) -> None:
    assert NotionSource.document_id_of(text) == document_id
