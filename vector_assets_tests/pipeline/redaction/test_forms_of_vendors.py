"""Tokens of many vendors, made of their form: `{A24}` stands for 24 letters and digits."""

import re

import pytest

from vector_assets.pipeline.redaction.redact import redact
from vector_assets_tests.support.fake_secrets import ALNUM, DIGITS, HEX, UPPER, some, uuid

_ALPHABETS = {
    "A": ALNUM, "H": HEX, "D": DIGITS, "U": UPPER, "l": ALNUM.lower() + DIGITS,
}  # fmt: skip

FORMS = (
    "fw_{A24}", "tvly-{A32}", "tvly-dev-{A32}", "fc-{H32}", "crsr_{H64}", "dbtc_{A40}",
    "dbtu_{A40}", "sqp_{H40}", "squ_{H40}", "jina_{H32}{A28}", "rpa_{U40}", "e2b_{H40}",
    "bb_live_{A27}", "hcaik_{l58}", "vercel_blob_rw_{A16}_{A30}", "sb_secret_{A22}_{A8}",
    "AGE-SECRET-KEY-1{U58}", "sk-lf-{ID}", "sdk-{ID}", "api-{ID}", "access-production-{ID}",
    "pat-na1-{ID}", "re_{A8}_{A24}", "sk_{H48}", "pk_{D8}_{U32}", "oy2{l43}", "cio{A32}",
    "sk.eyJ{A60}.{A22}", "access_token$production${l16}${H32}", "{A75}AZDO{A4}",
    "00D{A12}!AQ{A80}", "K10{H64}::server:{H32}",
)  # fmt: skip

NAMED = (
    ("our Deepgram key is {}", "{H40}"), ("Mistral key: {}", "{A32}"),
    ("https://a.example/workflows/1?sp=%2Ft&sig={}", "{A43}"), ("Cookie: session={}", "{A40}"),
    ("JSESSIONID={}; Path=/", "{U32}"), ('{"auths": {"r": {"auth": "{}"}}}', "{A38}=="),
)  # fmt: skip


def made_of(form: str) -> str:
    form = re.sub(
        r"\{([A-Za-z])(\d+)\}", lambda part: some(int(part[2]), _ALPHABETS[part[1]]), form
    )
    return form.replace("{ID}", uuid())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["Use {} for the job.", "it is `{}`, and", "鍵は「{}」です"])
def test_a_token_gives_way_by_its_form(text: str, form: str) -> None:
    before, after = text.split("{}")
    redacted = redact(text.replace("{}", made_of(form))).text
    assert re.fullmatch(rf"{re.escape(before)}\[redacted: [\w ]+\]{re.escape(after)}", redacted), (
        redacted
    )


@pytest.mark.parametrize(("text", "form"), NAMED)
def test_a_token_gives_way_by_what_names_it(text: str, form: str) -> None:
    token = made_of(form)
    redacted = redact(text.replace("{}", token))
    assert redacted.count == 1
    assert token.strip("=") not in redacted.text


@pytest.mark.parametrize(
    "text",
    [
        "the key is 4f1d2c3b5a69788796a5b4c3d2e1f00112233445", "session=new-session-of-the-team",
        "api-7f3c is the name of a pod", "see re_write_rules_of_the_proxy_in_front_of_it",
        "fc-match, fw_update and sdk-generator are commands", "request 7f3c9b1a-0000-4000-a000-1",
        "auth: base64 of name and value", "sk_buff is a struct of the kernel",
    ],
)  # fmt: skip
def test_what_only_begins_like_a_token_stays(text: str) -> None:
    assert redact(text).text == text
