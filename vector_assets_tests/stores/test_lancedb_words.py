"""LanceDB finds words of any length and script, identifiers whole and by their parts."""

from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest

from vector_assets.core.documents import Section
from vector_assets.core.errors import UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.core.stop_words import STOP_WORDS
from vector_assets.core.vectors import Vectors
from vector_assets.index.search import find
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.lancedb.words import MAX_WORD_CHARACTERS
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, records
from vector_assets_tests.support.tiny import TinyEmbedder, document

CLASS_NAME = "AbstractSingletonProxyFactoryBeanDefinitionReader"

TEXTS = {
    "hashes": "Broken since commit 4f1d2c3b5a69788796a5b4c3d2e1f00112233445 on main. Image sha256:"
    "9b74c9897bac770ffc029102a200c5de33ddeee11111222233334444555566ff.",
    "class": f"It fails in com.acme.orders.{CLASS_NAME} at start",
    "names": "Call refund_order_total, then OrderTotals in src/billing/main_report.py",
    "codes": "ERR_CONN_REFUSED and E1234 in HAR-123; write to ann@mail.example",
    "versions": "Broken in 1.2.3 and v2.10.4-rc1, fixed in 7",
    "Japanese": "本番環境で決済サービスが停止しました。原因は証明書の期限切れです。",
    "Japanese expenses": "経費精算は毎月二十日までに申請してください。領収書の写真を添付します。",
    "Japanese rooms": "来週の会議室の予約方法について説明します。エラー404が出ます。",
    "Chinese": "数据库证书已过期，请重启服务器。",
    "Traditional Chinese": "資料庫備份失敗，請聯絡管理員",
    "Thai": "เครื่องพิมพ์ฉลากหยุดทำงาน",
    "Korean": "결제 서비스가 중단되었습니다",
    "Russian": "Сервис остановлен, сертификаты истекли",
    "Arabic": "توقفت الخدمة بسبب انتهاء الشهادة",
    "Greek": "Το πιστοποιητικό έληξε χθες",
    "Hindi": "प्रमाणपत्र समाप्त हो गया",
    "French": "Les réunions étaient annulées",
    "English": "The printers stopped running, and refunds were late",
    "language": "The compiler of C is old",
}

QUESTIONS = (
    ("4f1d2c3b5a69788796a5b4c3d2e1f00112233445", "hashes"),
    ("9b74c9897bac770ffc029102a200c5de33ddeee11111222233334444555566ff", "hashes"),
    (CLASS_NAME, "class"), (CLASS_NAME.lower(), "class"),
    (f"com.acme.orders.{CLASS_NAME}", "class"),
    ("refund_order_total", "names"), ("OrderTotals", "names"), ("ordertotals", "names"),
    ("src/billing/main_report.py", "names"), ("main_report.py", "names"), ("billing", "names"),
    ("ERR_CONN_REFUSED", "codes"), ("E1234", "codes"), ("HAR-123", "codes"), ("har-123", "codes"),
    ("ann@mail.example", "codes"), ("1.2.3", "versions"), ("v2.10.4-rc1", "versions"),
    ("7", "versions"), ("証明書", "Japanese"), ("停止", "Japanese"), ("決済", "Japanese"),
    ("期限切れ", "Japanese"), ("精算", "Japanese expenses"), ("領収書", "Japanese expenses"),
    ("予約", "Japanese rooms"), ("会議室の予約", "Japanese rooms"), ("404", "Japanese rooms"),
    ("エラー", "Japanese rooms"), ("数据库", "Chinese"), ("证书", "Chinese"), ("服务器", "Chinese"),
    ("備份", "Traditional Chinese"), ("ฉลาก", "Thai"), ("เครื่องพิมพ์", "Thai"),
    ("서비스가", "Korean"), ("결제", "Korean"), ("сертификаты", "Russian"), ("الشهادة", "Arabic"),
    ("πιστοποιητικό", "Greek"), ("प्रमाणपत्र", "Hindi"), ("réunions", "French"),
    ("printer", "English"), ("refund", "English"), ("C", "language"),
)  # fmt: skip

COMPOSED = (
    "Größe", "résumé", "Ångström", "Việt", "Ёлка", "λόγος", "로그인", "데이터베이스가",
    "ガイドブック", "क़लम", "שָׁלוֹם", "مُدَّة",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LanceDBStore:
    store = LanceDBStore(str(tmp_path_factory.mktemp("index")))
    store.open(SPACE, DIMENSIONS)
    for name, text in TEXTS.items():
        store.upsert(SPACE, records(document(name), text))
    store.maintain(SPACE)
    return store


def best(store: LanceDBStore, question: str) -> str:
    hits = store.search_lexical(SPACE, question, where=Filter(), limit=3)
    return hits[0].metadata["document_id"] if hits else ""


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_the_document_with_the_words_comes_first(
    store: LanceDBStore, question: str, name: str
) -> None:
    assert best(store, question) == f"jira:{name}"


class EmbedderOutOfReach(TinyEmbedder):
    """An embedder whose service does not answer, so that words alone are searched."""

    def embed_query(self, text: str) -> Vectors:
        raise UnavailableError("openai", "HTTP 503")


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_find_answers_with_the_document_by_words_alone(
    store: LanceDBStore, question: str, name: str
) -> None:
    settings = Settings(vector_assets_sources="jira")
    answers = find(question, settings=settings, store=store, embedder=EmbedderOutOfReach())
    assert answers.answers[0].document_id == f"jira:{name}"


@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_a_word_is_found_however_its_letters_are_put_together(
    written: Literal["NFC", "NFD"], asked: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    store.open(SPACE, DIMENSIONS)
    for number, word in enumerate(COMPOSED):
        section = Section(f"see {normalize(written, word)} here")
        store.upsert(SPACE, records(document(f"{number}"), section.text))
    store.maintain(SPACE)
    settings, embedder = Settings(vector_assets_sources="jira"), EmbedderOutOfReach()
    for number, word in enumerate(COMPOSED):
        answers = find(normalize(asked, word), settings=settings, store=store, embedder=embedder)
        assert answers.answers[0].document_id == f"jira:{number}", word


def test_words_that_are_not_indexed_yet_are_cut_alike(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    store.open(SPACE, DIMENSIONS)
    store.upsert(SPACE, records(document("first"), "nothing of interest"))
    store.maintain(SPACE)
    for name, text in TEXTS.items():
        store.upsert(SPACE, records(document(name), text))
    for question, name in QUESTIONS:
        assert best(store, question) == f"jira:{name}", question


def test_the_longest_word_is_found_and_a_longer_one_is_not(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    store.open(SPACE, DIMENSIONS)
    longest = "ab1" * 333
    store.upsert(SPACE, records(document("long"), f"see {longest} here"))
    store.upsert(SPACE, records(document("longer"), f"see {longest}xyz here"))
    assert len(longest) < MAX_WORD_CHARACTERS
    assert best(store, longest) == "jira:long"
    assert best(store, f"{longest}xyz") == ""


@pytest.mark.parametrize("word", STOP_WORDS)
def test_a_stop_word_alone_finds_nothing(store: LanceDBStore, word: str) -> None:
    assert best(store, word) == ""
