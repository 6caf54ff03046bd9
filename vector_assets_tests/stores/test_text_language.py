"""TEXT_LANGUAGE: what words find in German, French and Japanese, and what a change of it does."""

from pathlib import Path

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.languages import CODES, NONE
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores import build_store
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, records
from vector_assets_tests.support.tiny import document

TEXTS = {
    "german": {
        "cranes": "Die Kräne an den Häfen wurden geprüft und freigegeben.",
        "invoices": "Rechnungen werden monatlich verschickt.",
        "meetings": "In den Besprechungen wurde über die Verträge entschieden.",
    },
    "french": {
        "orders": "Les commandes annulées sont remboursées sous huit jours.",
        "printers": "Les imprimantes du dépôt étaient bloquées.",
        "meetings": "Nous avons décidé de reporter les réunions.",
    },
    "none": {
        "payments": "本番環境で決済サービスが停止しました。原因は証明書の期限切れです。",
        "expenses": "経費精算は毎月二十日までに申請してください。",
        "rooms": "来週の会議室の予約方法について説明します。",
    },
}

QUESTIONS = [
    ("german", "Wann wurde der Kran geprüft?", "cranes"),
    ("german", "Hafen", "cranes"),
    ("german", "Rechnung", "invoices"),
    ("german", "Was wurde in der Besprechung entschieden?", "meetings"),
    ("german", "Vertrag", "meetings"),
    ("french", "commande annulée", "orders"),
    ("french", "rembourser", "orders"),
    ("french", "imprimante bloquée", "printers"),
    ("french", "réunion", "meetings"),
    ("none", "決済サービスはなぜ停止しましたか", "payments"),
    ("none", "証明書", "payments"),
    ("none", "経費の申請", "expenses"),
    ("none", "会議室を予約したい", "rooms"),
]
NOT_IN_ENGLISH = ["Rechnung", "rembourser"]


def filled(folder: Path, language: str, texts: str) -> LanceDBStore:
    """Return a store of a language with some texts."""
    store = LanceDBStore(str(folder), language)
    store.open(SPACE, DIMENSIONS)
    for name, text in TEXTS[texts].items():
        store.upsert(SPACE, records(document(name), text))
    store.maintain(SPACE)
    return store


def best(store: LanceDBStore, question: str) -> str:
    """Return the name of the document that a search by words puts first; empty for none."""
    hits = store.search_lexical(SPACE, question, where=Filter(), limit=3)
    return hits[0].id.partition(":")[2].partition("#")[0] if hits else ""


@pytest.mark.parametrize("language", TEXTS)
def test_words_find_other_forms_of_them_in_their_language(tmp_path: Path, language: str) -> None:
    store = filled(tmp_path, language, language)
    for of, question, name in QUESTIONS:
        if of == language:
            assert (question, best(store, question)) == (question, name)


def test_in_english_other_forms_of_german_and_french_words_are_not_found(tmp_path: Path) -> None:
    stores = {name: filled(tmp_path / name, "english", name) for name in ("german", "french")}
    missed = [
        question
        for language, question, name in QUESTIONS
        if language in stores and best(stores[language], question) != name
    ]
    assert set(NOT_IN_ENGLISH) <= set(missed)


def test_identifiers_are_found_in_every_language(tmp_path: Path) -> None:
    for language in (*CODES, NONE):
        store = LanceDBStore(str(tmp_path / language), language)
        store.open(SPACE, DIMENSIONS)
        store.upsert(SPACE, records(document("1"), "HAR-41 fails in 1.2.3 of C, ERR_CONN_REFUSED"))
        store.maintain(SPACE)
        for question in ("HAR-41", "1.2.3", "C", "err_conn_refused"):
            assert best(store, question) == "1", (language, question)


def test_another_language_takes_effect_for_all_texts_with_the_next_run(tmp_path: Path) -> None:
    filled(tmp_path, "english", "german")
    changed = LanceDBStore(str(tmp_path), "german")
    assert f"words of {SPACE} are searched as english, and as german (TEXT_LANGUAGE)" in (
        changed.check()
    )
    # Until then nothing is mixed: a new text is searched as the old ones are.
    changed.upsert(SPACE, records(document("new"), "Alle Besprechungen sind neu."))
    assert best(changed, "Rechnung") == best(changed, "Besprechung") == ""
    changed.maintain(SPACE)
    assert best(changed, "Rechnung") == "invoices"
    assert best(changed, "Besprechung") in {"meetings", "new"}
    assert "TEXT_LANGUAGE" not in changed.check()
    assert best(LanceDBStore(str(tmp_path), "english"), "Rechnung") == "invoices"


def test_another_generation_is_of_the_same_language(tmp_path: Path) -> None:
    beside = LanceDBStore(str(tmp_path), "german").beside("next")
    beside.open(SPACE, DIMENSIONS)
    beside.upsert(SPACE, records(document("1"), "Die Häfen sind offen."))
    beside.maintain(SPACE)
    assert best(beside, "Hafen") == "1"


@pytest.mark.parametrize("given", ["German", "de", " GERMAN "])
def test_a_language_is_given_by_name_or_code(given: str) -> None:
    assert Settings(text_language=given).text_language == "german"


def test_an_unknown_language_is_refused_with_those_that_are_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEXT_LANGUAGE", "klingon")
    with pytest.raises(SettingsError, match=r"'klingon' is not known: choose from arabic, .*none"):
        load_settings()


def test_pinecone_is_told_the_language_and_tells_when_it_is_another(sandbox: Sandbox) -> None:
    def store(language: str) -> str:
        values = {name.lower(): value for name, value in sandbox.environment.items()}
        settings = Settings(**values, vector_store="pinecone", text_language=language)  # type: ignore[arg-type]
        held = build_store(settings, Meter())
        held.open("jira", DIMENSIONS)
        return held.check()

    assert "TEXT_LANGUAGE" not in store("french")
    assert "searched as fr, and not as german (TEXT_LANGUAGE)" in store("german")
    assert "TEXT_LANGUAGE" not in store("fr")
