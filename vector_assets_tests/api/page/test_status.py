"""The status page over real HTTP: verdicts, charts and next steps, and what only operators see."""

import re
from collections import Counter

import pytest
import requests

from vector_assets_tests.api.page.office import (
    FAILED_CAUSE,
    FAILED_ID,
    PRIVATE_CHANNEL,
    Office,
)
from vector_assets_tests.api.page.visitor import Page, Visitor
from vector_assets_tests.support.patience import first_answer


def status_of(office: Office, key: str) -> Page:
    """Return the page of a check whose incidents are known."""
    visitor = Visitor(office.url)
    visitor.sign_in(office.keys[key])
    assert first_answer(lambda: office.watcher.last() and office.watcher.last().incidents)
    return visitor.get("/status")


@pytest.fixture(scope="module")
def page(office: Office) -> Page:
    return status_of(office, "shared")


def test_each_source_has_its_verdict_and_reasons(page: Page, office: Office) -> None:
    sent = {"Authorization": "Bearer reading-key"}
    status = requests.get(f"{office.url}/api/sync-status", headers=sent, timeout=60).json()
    cards = re.findall(r'<article class="card (\w+)" aria-labelledby="source-', page.html)
    assert cards == [source["verdict"] for source in status["sources"]]
    for source in status["sources"]:
        assert all(reason in page.text for reason in source["reasons"])


def test_days_of_ninety_are_a_chart_with_its_words(page: Page) -> None:
    assert re.search(r"Documents a day: 39 of 90 days are materialized, with up to 22 documents; "
                     r"\d{4}-\d\d-\d\d has \d+; 1 missing\.", page.html)  # fmt: skip
    chart = page.html.partition("Documents a day: 39")[2].partition("</svg>")[0]
    kinds = re.findall(r'<rect class="(\w+)"', chart)
    assert Counter(kinds) == {"plain": 39, "missing": 1, "none": 50}
    assert page.text.count("Not known: Dagster tells of none.") == 3


def test_lag_is_a_chart_that_says_since_when_it_is_known(page: Page) -> None:
    assert page.text.count("behind its source now, at most") == 4
    assert page.text.count("when this server began to measure.") == 4


def test_each_thing_has_its_next_step(page: Page) -> None:
    assert "Missing days" in page.text
    assert re.search(r"vector-assets sync slack --from \S+ --to \S+", page.text)
    assert "Next step: Each nightly run tries them again" in page.text
    assert "bot messages (7): they are left out. Next step: SLACK_INCLUDE_BOTS" in page.text
    assert "Dagster's webserver does not answer" in page.text
    assert "Start vector-assets webserver, or set DAGSTER_GRAPHQL_URL" in page.text
    assert "open since" in page.text
    assert "sent to log" in page.text
    assert "Search has not found a canary yet" in page.text
    assert "vector-assets doctor --canary" in page.text


def test_operators_see_what_is_in_quarantine(page: Page) -> None:
    assert FAILED_ID in page.text
    assert FAILED_CAUSE.replace("`", "") in page.text
    # The name of a private channel is for the command line alone, as in the JSON route.
    assert PRIVATE_CHANNEL not in page.html


@pytest.mark.parametrize("key", ["bob", "public", "ann"])
def test_readers_see_no_id_or_cause_of_a_document(office: Office, key: str) -> None:
    page = status_of(office, key)
    assert "zephyr" not in page.html.lower()
    assert "Quarantine: 1" in page.text
    assert "Ids and causes are for operators" in page.text
    sent = {"Authorization": f"Bearer {office.keys[key]}"}
    status = requests.get(f"{office.url}/api/sync-status", headers=sent, timeout=60)
    assert "zephyr" not in status.text.lower()
