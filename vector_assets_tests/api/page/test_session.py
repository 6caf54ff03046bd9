"""Signing in and out over real HTTP: keys of each kind, revoked, expired, forged, planted."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vector_assets.api.page.session import COOKIE, LASTS_SECONDS, Sessions
from vector_assets.core.read_keys import VIEWER, KeyFile, new_key
from vector_assets.core.settings import Settings
from vector_assets_tests.api.page.office import ANN, BOB, SECRET, Office
from vector_assets_tests.api.page.visitor import Page, Visitor
from vector_assets_tests.api.test_app import served

WRONG = "This key is not valid"
SIGN_IN = "Sign in · vector-assets"


@pytest.fixture
def visitor(office: Office) -> Visitor:
    return Visitor(office.url)


def is_sign_in(page: Page) -> bool:
    return SIGN_IN in page.text


def cookie(visitor: Visitor) -> str:
    return visitor.browser.cookies[COOKIE]


@pytest.mark.parametrize(
    ("path", "title"),
    [("/", "Search ·"), ("/?q=parcel&source=jira", "parcel · Search"), ("/status", "Status: ")],
)
def test_a_page_asks_for_a_key_first_and_opens_after_it(
    visitor: Visitor, office: Office, path: str, title: str
) -> None:
    asked = visitor.get(path, follow=False)
    assert (asked.status, asked.headers["cache-control"]) == (303, "no-store")
    form = visitor.get(path)
    assert is_sign_in(form)
    wanted = next(each["value"] for each in form.all("input") if each["name"] == "next")
    opened = visitor.sign_in(office.keys["shared"], wanted=wanted)
    assert (opened.status, opened.text.startswith(title)) == (200, True)


def test_the_cookie_is_no_key_and_no_script_reads_it(visitor: Visitor, office: Office) -> None:
    key = office.keys["ann"]
    answer = visitor.sign_in(key, follow=False)
    assert answer.status == 303
    set_cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=lax" in set_cookie
    assert "secure" not in set_cookie
    assert f"max-age={LASTS_SECONDS}" in set_cookie
    assert key not in cookie(visitor)
    assert key not in visitor.get("/").html


def test_behind_https_the_cookie_goes_over_https_alone(visitor: Visitor) -> None:
    visitor.browser.headers["X-Forwarded-Proto"] = "https"
    assert "; secure" in visitor.get("/sign-in").headers["set-cookie"].lower()


@pytest.mark.parametrize("key", ["", "wrong", "va_read_x", "READ_API_KEY", "reading-key "])
def test_a_wrong_key_opens_nothing(visitor: Visitor, office: Office, key: str) -> None:
    answer = visitor.sign_in(key)
    if key.strip() == office.keys["shared"]:
        # Pasted with a space.
        assert answer.status == 200
        return
    assert (answer.status, WRONG in answer.text) == (401, True)
    assert is_sign_in(visitor.get("/"))


def test_a_key_of_a_person_reads_as_that_person_and_no_other(
    visitor: Visitor, office: Office
) -> None:
    refused = visitor.sign_in(office.keys["ann"], viewer=BOB)
    assert (refused.status, "may not read for another viewer" in refused.text) == (403, True)
    assert f"Reading {ANN}" in visitor.sign_in(office.keys["ann"]).text


@pytest.mark.parametrize(
    ("key", "viewer", "reads"),
    [
        ("shared", "Bob@Example.com", BOB),
        ("backend", ANN, ANN),
        ("backend", "", "public documents only"),
        ("public", "", "public documents only"),
    ],
)
def test_a_key_for_any_viewer_may_name_one(
    visitor: Visitor, office: Office, key: str, viewer: str, reads: str
) -> None:
    assert f"Reading {reads}" in visitor.sign_in(office.keys[key], viewer).text


@pytest.mark.parametrize(
    ("key", "viewer", "words"),
    [
        ("backend", "ann", "Write the viewer's e-mail"),
        ("backend", "a" * 250 + "@x.io", "at most 254 characters"),
        ("public", ANN, "may not read for another viewer"),
    ],
)
def test_a_viewer_that_is_none_is_refused(
    visitor: Visitor, office: Office, key: str, viewer: str, words: str
) -> None:
    answer = visitor.sign_in(office.keys[key], viewer)
    assert (answer.status, words in answer.text) == (403, True)
    assert is_sign_in(visitor.get("/"))


def test_a_revoked_key_ends_its_sessions_even_if_its_name_is_given_again(office: Office) -> None:
    file = KeyFile(office.settings.read_keys_file)
    day = file.read()[0].created
    secret, key = new_key("leaver", VIEWER, day, viewer=ANN)
    file.add(key)
    leaver, stayer = Visitor(office.url), Visitor(office.url)
    leaver.sign_in(secret)
    stayer.sign_in(office.keys["ann"])
    assert leaver.get("/status").text.startswith("Status")
    file.revoke("leaver")
    assert is_sign_in(leaver.get("/status"))
    file.add(new_key("leaver", VIEWER, day, viewer=ANN)[1])
    assert is_sign_in(leaver.get("/"))
    assert not is_sign_in(stayer.get("/"))
    file.revoke("leaver")


def test_an_expired_or_forged_session_is_none(visitor: Visitor, office: Office) -> None:
    [ann] = [key for key in KeyFile(office.settings.read_keys_file).read() if key.name == "ann"]

    def opens(sessions: Sessions) -> bool:
        session = sessions.begin(ann)
        visitor.browser.cookies.set(COOKIE, sessions.write(session))
        return not is_sign_in(visitor.get("/"))

    assert opens(Sessions(SECRET))
    visitor.browser.cookies.clear()
    assert not opens(Sessions(SECRET, clock=lambda: time.time() - LASTS_SECONDS - 1))
    visitor.browser.cookies.clear()
    assert not opens(Sessions("another secret"))
    for value in ("", "x", "e30.x", "null", "W10.AAAA", "é"):
        visitor.browser.cookies.clear()
        sent = {"Cookie": f"{COOKIE}={value}".encode()}
        answer = visitor.browser.get(f"{office.url}/", headers=sent, timeout=60)  # type: ignore[arg-type]
        assert SIGN_IN.split(" ·")[0] in answer.text


def test_after_signing_out_a_copy_of_the_cookie_is_worth_nothing(
    visitor: Visitor, office: Office
) -> None:
    token = visitor.sign_in(office.keys["ann"]).token()
    copy = cookie(visitor)
    assert is_sign_in(visitor.post("/sign-out", {"token": token}))
    assert is_sign_in(visitor.get("/"))
    visitor.browser.cookies.clear()
    visitor.browser.cookies.set(COOKIE, copy)
    assert is_sign_in(visitor.get("/"))


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_does_nothing(
    visitor: Visitor, office: Office, path: str, token: str | None
) -> None:
    if path == "/sign-out":
        visitor.sign_in(office.keys["ann"])
    fields = {"key": office.keys["bob"]} if path == "/sign-in" else {"next": ""}
    answer = visitor.post(path, {**fields, **({} if token is None else {"token": token})})
    assert (answer.status, "Nothing was done" in answer.text) == (403, True)
    assert is_sign_in(visitor.get("/")) == (path == "/sign-in")


def test_a_token_of_another_browser_or_site_does_nothing(visitor: Visitor, office: Office) -> None:
    other = Visitor(office.url).get("/sign-in").token()
    mine = visitor.get("/sign-in").token()
    fields = {"key": office.keys["ann"], "next": "./"}
    assert visitor.post("/sign-in", {**fields, "token": other}).status == 403
    crossed = visitor.post("/sign-in", {**fields, "token": mine}, Sec_Fetch_Site="cross-site")
    assert crossed.status == 403
    own = visitor.post("/sign-in", {**fields, "token": mine}, Sec_Fetch_Site="same-origin")
    assert own.status == 200


def test_signing_in_begins_a_new_session(visitor: Visitor, office: Office) -> None:
    token = visitor.get("/sign-in").token()
    planted = cookie(visitor)
    visitor.post("/sign-in", {"token": token, "key": office.keys["ann"]})
    assert cookie(visitor) != planted
    visitor.browser.cookies.clear()
    visitor.browser.cookies.set(COOKIE, planted)
    assert is_sign_in(visitor.get("/"))


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        ("status", "status"),
        ("./?q=a b&source=jira", "./?q=a+b&source=jira"),
        ("https://evil.example/", "./"),
        ("//evil.example", "./"),
        ("/\\evil.example", "./"),
        ("javascript:alert(1)", "./"),
        ("sign-out", "./"),
        ("https://[", "./"),
        ("status\r\nSet-Cookie: x=y", "./"),
    ],
)
def test_after_signing_in_only_own_pages_open(
    visitor: Visitor, office: Office, wanted: str, opened: str
) -> None:
    answer = visitor.sign_in(office.keys["ann"], wanted=wanted, follow=False)
    assert (answer.status, answer.headers["location"]) == (303, opened)


def test_a_form_of_another_kind_is_refused(visitor: Visitor) -> None:
    sent = visitor.browser.post(f"{visitor.url}/sign-in", json={"key": "x"}, timeout=60)
    assert (sent.status_code, "send the form as" in sent.text) == (415, True)
    twice = [("token", "a"), ("token", "b")]
    assert visitor.browser.post(f"{visitor.url}/sign-in", data=twice, timeout=60).status_code == 400
    many = [(f"f{number}", "x") for number in range(50)]
    assert visitor.browser.post(f"{visitor.url}/sign-in", data=many, timeout=60).status_code == 400


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("closed")
    settings = Settings(
        lancedb_uri=str(folder / "index"), dagster_graphql_url="http://127.0.0.1:9/graphql"
    )
    with served(settings, folder) as (url, _):
        yield url


@pytest.mark.parametrize("path", ["/", "/?q=x", "/status", "/sign-in"])
def test_without_any_key_every_page_is_closed(closed: str, path: str) -> None:
    answer = Visitor(closed).get(path)
    assert answer.status == 403
    assert "this route is closed: READ_API_KEY is not set" in answer.text
    assert answer.all("form") == []


def test_a_short_signing_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="it has fewer than 32 characters"):
        Settings.model_validate({"session_secret": "short"})
