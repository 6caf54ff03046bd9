"""The words: clean by construction, windows as the design says."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Section, clean_text
from vector_assets_tests.support.tiny import document, utc


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("a\x00b\x07c", "abc"),
        ("line\r\nnext\tcell", "line\nnext\tcell"),
        ("\ud83d\ude00", "😀"),
        ("half \ud83d end", "half \ufffd end"),
        ("‏עברית", "‏עברית"),
        ("re\u0301sume\u0301 \u1107\u1162", "résumé 배"),
        ("pass\u00adword, \ufeffword\u2060joiner", "password, wordjoiner"),
        ("ﾃﾞﾌﾟﾛｲ ｶﾞｲﾄﾞ, 10 \u00b5s", "デプロイ ガイド, 10 \u03bcs"),
        ("x² ① ＡＰＩ ﬁle ½ 👩\u200d💻 می\u200cشود", "x² ① ＡＰＩ ﬁle ½ 👩\u200d💻 می\u200cشود"),
    ],
)
def test_texts_lose_what_no_index_stores_and_nothing_else(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean
    assert Section(raw, heading=raw).text == clean
    assert Section(raw, heading=raw).heading == clean


def test_an_address_and_who_may_read_stay_as_the_vendor_writes_them() -> None:
    written = "https://wiki.example/re\u0301sume\u0301"
    page = document(url=written, access=("restricted", "re\u0301@acme.example"))
    assert page.url == Section("text", url=written).url == written
    assert page.access == ("restricted", "re\u0301@acme.example")


def test_a_title_is_one_line() -> None:
    assert document(title=" two\nlines \x00 of  title ").title == "two lines of title"


def test_a_time_that_is_not_utc_is_refused() -> None:
    local = datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=9)))
    with pytest.raises(ValueError, match="jira:1: created_at is not in UTC"):
        document(created_at=local)


def test_a_document_belongs_to_the_utc_day_of_its_last_activity() -> None:
    assert document(updated_at="2026-03-02T23:59").day == date(2026, 3, 2)


def test_a_window_of_old_days_looks_back_by_the_overlap_and_ends_with_its_last_day() -> None:
    window = Window.of_days(
        date(2026, 3, 1), date(2026, 3, 2), overlap=timedelta(hours=12), now=utc("2026-03-10T06:00")
    )
    assert window == Window(utc("2026-02-28T12:00"), utc("2026-03-03"))


@pytest.mark.parametrize("last", [date(2026, 3, 9), date(2026, 3, 10)])
def test_a_window_that_reaches_the_newest_complete_day_has_no_end(last: date) -> None:
    window = Window.of_days(
        date(2026, 3, 9), last, overlap=timedelta(0), now=utc("2026-03-10T06:00")
    )
    assert window.end is None
    assert datetime(2030, 1, 1, tzinfo=UTC) in window


def test_the_newest_complete_day_is_a_day_of_utc_wherever_now_was_read() -> None:
    tokyo = datetime(2026, 3, 10, 6, tzinfo=timezone(timedelta(hours=9)))  # 21:00 on the 9th
    window = Window.of_days(date(2026, 3, 8), date(2026, 3, 8), overlap=timedelta(0), now=tokyo)
    assert window.end is None
