"""Redaction: what gives way, what stays, and that doing it twice is doing it once."""

import string
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vector_assets.core.documents import Section
from vector_assets.pipeline.redaction.redact import redact, redact_document, redact_texts
from vector_assets.stores.records import document_fingerprint
from vector_assets_tests.support.fake_secrets import (
    ALNUM,
    AWS_SECRET,
    AZURE_KEY,
    BEARER,
    FIREFLIES_KEY,
    HEX,
    TOKENS,
    some,
)
from vector_assets_tests.support.tiny import document

SURROUNDINGS = {
    "alone": "{}",
    "in a sentence": "Use {} for now, and tell Bo.",
    "in a code block": "Before.\n\n```bash\ncurl -H 'x' {} \\\n  -d 1\n```\n\nAfter.",
    "in Cyrillic": "Ключ {} нужен до пятницы.",
    "in Japanese, without spaces": "鍵は「{}」です。",
    "right to left": "المفتاح هو {} حتى الغد",
    "behind emoji": "👩‍👩‍👧‍👦 🔑 {} 🔑",
    "in a table": "| who | what |\n| --- | --- |\n| Ann | {} |",
    "in bold": "It is **{}** now",
    "in Slack's bold": "It is *{}*",
    "in brackets": "see ({})",
    "in a link of Slack's": "<{}>",
    "behind a mark of byte order": "\ufeff{}",
}


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.parametrize(("kind", "token"), TOKENS.values(), ids=TOKENS)
def test_a_token_gives_way_to_its_kind(kind: str, token: str, surroundings: str) -> None:
    redacted = redact(surroundings.replace("{}", token))
    assert redacted.text == surroundings.replace("{}", f"[redacted: {kind}]")
    assert redacted.count == 1


ASSIGNED = {
    "in a note": ("password: {}", "hunter2"),
    "at the end of a line, a word": ("user: ann\nPassword: {}\nport: 80", "swordfish"),
    "in bold": ("**Password:** {} for all", "hunter2"),
    "in a sentence": ("The password is {}, ask Bo.", "hunter2x"),
    "in a setting": ("export DB_PASSWORD={}", "swordfish"),
    "in a list of settings": ("Server=db;Pwd={};Database=x", "swordfish"),
    "in quotes": ("password = '{}'", "sword fish 1"),
    "in code": ("password : '{}'", "1234"),
    "in JSON": ('{"password": "{}", "user": "ann"}', "swordfish"),
    "in JSON inside a string": ('{\\"password\\": \\"{}\\"}', "swordfish1"),
    "in XML": ("<password>{}</password>", "hunter2"),
    "in a table": ("| Password | {} |", "hunter2"),
    "as an option": ("mysql --user=root --password={}", "toor"),
    "as an option behind a space": ("login --password {} now", "swordfish"),
    "in a link": ("https://bob:{}@example.com/x", "swordfish"),
    "in a connection string": ("postgres://u:{}@db.internal:5432/x", "hunter2xyz"),
    "in a link's query": ("https://example.com/j/1?pwd={}&x=1", "aB3dE6fG"),
    "in French": ("mot de passe : {}", "Soleil2024"),
    "in German": ("Das Passwort ist {}.", "Geheim123"),
    "in Russian": ("Пароль: {}", "секрет123"),
    "in Turkish": ("İşte şifre: {}", "kelime42"),
    "in Japanese": ("パスワード：{}", "さくら123"),
    "in Chinese": ("密码：{}", "abc12345"),
    "on the next line": ("Password:\n{}", "hunter2!x"),
    "AWS's second half": ("aws_secret_access_key = {}", AWS_SECRET),
    "an API key": ("FIREFLIES_API_KEY={}", FIREFLIES_KEY),
    "an API key in words": ("API key: {}", some(32, HEX + "4f")),
    "a token": ("access_token: {}", some(24)),
    "a header": ("Authorization: Bearer {}", BEARER),
    "a header with a login": ("Authorization: Basic {}", "dXNlcjpwYXNz"),
    "a header in quotes": ('-H "Authorization: Token {}"', BEARER),
    "a bearer alone": ("send Bearer {} with it", BEARER),
    "Azure's connection string": ("AccountName=a;AccountKey={};EndpointSuffix=x", AZURE_KEY),
}


@pytest.mark.parametrize(("kind", "token"), TOKENS.values(), ids=TOKENS)
def test_a_token_gives_way_beside_other_texts_of_its_document(kind: str, token: str) -> None:
    beside = ("Our key:", "-----BEGIN it", "curl -x", f"{kind} = ", '{"a": "', "kind: Secret", "é")
    for texts in ((token, *beside), (*beside, token), (*beside[:3], token, *beside[3:])):
        assert redact_texts(texts)[token].text == f"[redacted: {kind}]"


@pytest.mark.parametrize(("text", "value"), ASSIGNED.values(), ids=ASSIGNED)
def test_what_a_name_shows_to_be_a_secret_gives_way_and_the_rest_stays(
    text: str, value: str
) -> None:
    redacted = redact(text.replace("{}", value))
    before, after = text.rsplit("{}", 1) if text.count("{}") == 1 else text.split("{}")
    assert redacted.count == 1
    assert value not in redacted.text
    assert redacted.text.startswith(before + "[redacted: ")
    assert redacted.text.endswith("]" + after)


@pytest.mark.parametrize(
    "text",
    [
        "The password is required.",
        "password: string",
        "Password: the one that you got by mail",
        '"password": "<pwd>", "consumerSecret": "xxxxxxxxx"',
        "password: ${DB_PASSWORD}",
        "POSTGRES_PASSWORD=password",
        "mongo.database.auth.password=REDACTED",
        "YOUR_IDENTIFICATION?secret=YOUR_SECRET",
        "password:password,\n}, function(result){",
        "password = Ti.App.Properties.getString('acs-password-'+env);",
        "deviceToken = e.deviceToken;",
        "passwordMask: true",
        'api_key={os.environ.get("OPENLINEAGE_API_KEY")}',
        'curl -H "Authorization: Bearer $(gcloud auth print-access-token)"',
        "secret_key_base: <%= ENV['SECRET_KEY_BASE'] %>",
        "secretKeyRef:\n  name: app\n  key: MONGODB_URI",
        "PWD=/home/ann/work",
        "Bearer tokens expire in 2026.",
        "AUTHORIZATION_DENIED : Number READONLY",
        "The key: HAR-1234abcd",
        "commit 3f2a9c1b7d4e5f60718293a4b5c6d7e8f9012345",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\nis how it begins and ends",
        "sha256:" + "ab12" * 16,
        "https://example.com/a@b:c",
        "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 8,
        "id 0b8f2c0e-6f5e-4c39-9d6a-1f2e3d4c5b6a",
        "secret santa: 2026 edition",
        "",
    ],
)
def test_placeholders_code_hashes_and_sentences_stay(text: str) -> None:
    assert redact(text) == type(redact(""))(text, 0)


def test_two_in_one_line_are_two() -> None:
    redacted = redact("password=swordfish;api_key=" + FIREFLIES_KEY)
    assert redacted.text == "password=[redacted: password];api_key=[redacted: API key]"
    assert redacted.count == 2


fragments = st.sampled_from(
    ["password", "Password:", "PASSWORD=", "token", "secret", "api_key", "|", " is ", ": ", "=",
     ";", "&", '"', "'", "`", "\n", " ", "[", "]", "[redacted: ", "hunter2", "swordfish", "Bearer ",
     "Authorization: ", "https://u:", "@host", "--password ", "key", "İ", "x1" * 8, "漢字",
     *(token for _, token in TOKENS.values())]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(fragments | st.text(max_size=6), max_size=14).map("".join))
@example("password: hunter2: hunter3x")
@example("password=password: hunter2")
def test_redacting_twice_changes_nothing(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    once = redact(text)
    assert redact(once.text) == type(once)(once.text, 0)


@settings(deadline=None)
@given(st.lists(st.lists(fragments | st.text(max_size=6), max_size=8).map("".join), max_size=8))
@example(["login:", "ann / Tulip#4821", "u: ann", "p: Tulip#4821"])
@example(["x", "/p:Tulip#4821", "/p:Tulip#4821 "])
@example(["AUTH Tulip#4821", "root / Tulip#4821", "\n", "-u ann:Tulip#4821", "curl -x"])
@example(["the pin", "1234", "ſſ", "ſu=ann p=Tulip#4821"])
@example(["<b", "password: Tulip#4821", "a > b", "&quot;pass", "word&quot;: Tulip#4821"])
@example(["ΠΑΣ", "Σ", "p\u200bassword: Tulip#4821", "contrasen\u0303a: Tulip#4821"])
def test_texts_of_a_document_are_redacted_as_each_is_alone(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    assert redact_texts(texts) == {text: redact(text) for text in texts}


def test_a_document_without_secrets_is_the_same_and_so_is_its_fingerprint() -> None:
    plain = document("1", "Some words.", "password: string")
    clean, count = redact_document(plain)
    assert clean is plain
    assert count == 0
    secret = document("1", "password: hunter2")
    prints = {document_fingerprint(redact_document(secret)[0], "kind") for _ in range(3)}
    assert len(prints) == 1


def test_every_part_of_a_document_that_is_stored_is_looked_through() -> None:
    token = "gh" + "p_" + some(36)
    given_document = document(
        "1",
        title=f"Where is {token}",
        url=f"https://example.com/?token={token}",
        extra={"status": f"waits for {token}", "labels": [token, "ops"], "votes": 3},
    )
    section = Section(f"It is {token}.", heading=f"Ann: {token}", url=f"https://x.example/#{token}")
    clean, count = redact_document(
        type(given_document)(**{**fields_of(given_document), "sections": (section,)})
    )
    assert count == 7
    assert token not in repr(clean)
    assert clean.extra["votes"] == 3
    assert clean.title == "Where is [redacted: github pat]"


def fields_of(instance: object) -> dict[str, object]:
    return {name: getattr(instance, name) for name in instance.__dataclass_fields__}  # type: ignore[attr-defined]


def test_threads_that_begin_at_once_find_the_same() -> None:
    text = "\n".join(f"line {n} {token}" for n, (_, token) in enumerate(TOKENS.values()))
    with ThreadPoolExecutor(8) as pool:
        redacted = set(pool.map(redact, [text] * 64))
    assert len(redacted) == 1
    assert redacted.pop().count == len(TOKENS)


@pytest.mark.parametrize(
    "filler",
    [
        "words of a page ", "a://b:", "x" * 1000, "eyJ" * 50, "password" + "'" * 300,
        string.punctuation,
        *(pytest.param(each, marks=pytest.mark.slow)
          for each in ("password ", "key: ", "-----BEGIN ")),
    ],
)  # fmt: skip
def test_five_megabytes_of_anything_are_read_to_the_end(filler: str) -> None:
    text = (filler * (5_000_000 // len(filler) + 1))[:5_000_000]
    token = "np" + "m_" + some(36, ALNUM)
    redacted = redact(f"{text}\n\n{token}\n")
    assert token not in redacted.text
