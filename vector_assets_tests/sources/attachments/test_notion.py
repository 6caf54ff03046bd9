"""Files of pages the whole way, over real HTTP: from Notion to what people find."""

from pathlib import Path

import pytest

from vector_assets.sandbox.faults import Rule
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.attachments.reader import NOT_READ, SWITCHED_OFF
from vector_assets.sources.http import httpx_transport, requests_retries
from vector_assets_tests.sources.attachments import made
from vector_assets_tests.sources.attachments.made import WORD
from vector_assets_tests.sources.attachments.nights import Nights, told
from vector_assets_tests.sources.notion.pages import Json, block, comment, page

FILES = "/notion/files/"


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path) -> Nights:
    return Nights("notion", sandbox, tmp_path)


def kept(sandbox: Sandbox, name: str, content: bytes, signature: str = "valid") -> Json:
    """Keep a file, and return how Notion shows it."""
    identity = f"f{len(sandbox.workspace.files)}"
    sandbox.workspace.files[identity] = content
    url = f"{sandbox.url}{FILES}{identity}/{name}?X-Amz-Signature={signature}"
    return {"type": "file", "file": {"url": url, "expiry_time": "2026-03-02T11:00:00.000Z"}}


def of_property(name: str, file: Json) -> Json:
    return {"type": "files", "files": [{"name": name, **file}]}


def downloads(sandbox: Sandbox) -> int:
    return sandbox.faults.requests(FILES).total()


@pytest.mark.parametrize("max_markdown_blocks", [20_000, 0])
def test_a_page_is_found_by_a_word_in_its_files_and_not_downloaded_twice(
    sandbox: Sandbox, nights: Nights, max_markdown_blocks: int
) -> None:
    sandbox.workspace.site.notion_markdown_max_blocks = max_markdown_blocks
    external = {"type": "external", "external": {"url": f"{sandbox.url}/jira/secret.txt"}}
    remark = {
        **comment("Look at it."),
        "attachments": [{"category": "productivity", **kept(sandbox, "note.md", b"starling")}],
    }
    sandbox.workspace.pages = [
        page(
            "One",
            block("pdf", caption=[], **kept(sandbox, "plan.pdf", made.pdf(f"The {WORD}"))),
            block("image", caption=[], **kept(sandbox, "logo.png", made.png())),
            block("file", caption=[], **external),
            Files=of_property("deck.pptx", kept(sandbox, "deck.pptx", made.slides("nightjar"))),
        )
        | {"comments": [remark]}
    ]
    report = nights.night()
    text = nights.text_for()
    assert [word for word in (f"The {WORD}", "starling", "nightjar") if word not in text] == []
    gaps = {
        "attachments (png)": (NOT_READ, 1),
        "attachments (txt)": ("they are kept outside Notion", 1),
    }
    assert told(report) == gaps
    assert report.requests["notion files"] == downloads(sandbox) == 3
    assert sandbox.faults.requests("/jira").total() == 0

    again = nights.night()
    assert again.total.unchanged_documents == 1
    assert downloads(sandbox) == 3
    assert (told(again), again.requests.get("notion pages.markdown")) == ({}, None)
    sandbox.workspace.pages[0]["comments"].append(comment("And again."))
    assert told(nights.night(is_rescan=True)) == gaps
    assert "And again." in nights.text_for()
    assert downloads(sandbox) == 6


def test_an_address_that_has_expired_is_asked_for_again(
    sandbox: Sandbox, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vector_assets.sources.notion.reader import Listed

    upload = kept(sandbox, "plan.txt", WORD.encode())
    fresh = str(upload["file"]["url"])
    sandbox.workspace.pages = [page("One", Files=of_property("plan.txt", upload))]
    packed = Listed.page

    def long_ago(listed: Listed) -> Json:
        listing = packed(listed)
        [file] = listing["properties"]["Files"]["files"]
        file["file"]["url"] = fresh.replace("valid", "expired")
        return listing

    monkeypatch.setattr(Listed, "page", long_ago)
    assert told(nights.night()) == {}
    assert WORD in nights.text_for()
    assert downloads(sandbox) == 2


def test_what_expired_for_good_is_told_and_switched_off_nothing_is_downloaded(
    sandbox: Sandbox, nights: Nights
) -> None:
    upload = kept(sandbox, "plan.txt", WORD.encode(), "expired")
    sandbox.workspace.pages = [page("One", block("file", caption=[], **upload))]
    report = nights.night(read_attachments="false")
    assert told(report) == {"attachments (txt)": (SWITCHED_OFF, 1)}
    assert downloads(sandbox) == 0
    report = nights.night()
    assert told(report) == {"attachments (txt)": ("the download is refused: HTTP 403", 1)}
    assert "plan.txt" in nights.text_for()


def test_an_outage_keeps_what_the_index_holds(
    sandbox: Sandbox, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)
    monkeypatch.setattr(httpx_transport, "BACKOFF_SECONDS", 0)
    upload = kept(sandbox, "plan.txt", WORD.encode())
    sandbox.workspace.pages = [page("One", block("file", caption=[], **upload))]
    nights.night()
    sandbox.workspace.pages[0]["comments"] = [comment("Later words")]
    sandbox.workspace.pages[0]["last_edited_time"] = "2026-03-02T11:00:00.000Z"
    sandbox.faults.rules.append(Rule(FILES, status=503))
    report = nights.night()
    assert report.total.failed_documents == 1
    assert WORD in nights.text_for()
    sandbox.faults.clear()
    assert nights.night().quarantine == []
    assert "Later words" in nights.text_for()
