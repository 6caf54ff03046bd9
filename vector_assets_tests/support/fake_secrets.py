"""Secrets of every form that redaction knows, made of pieces: no scanner shall find one in here.

They are the same in every run, so that a failure can be looked at again.
"""

import string
from base64 import urlsafe_b64encode
from random import Random

_RANDOM = Random(20260302)  # an arbitrary seed
ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
DIGITS = string.digits


def some(count: int, alphabet: str = ALNUM) -> str:
    """Return so many characters."""
    return "".join(_RANDOM.choice(alphabet) for _ in range(count))


def uuid() -> str:
    return "-".join(
        [some(8, HEX), some(4, HEX), "4" + some(3, HEX), "a" + some(3, HEX), some(12, HEX)]
    )


def private_key(kind: str = "RSA PRIVATE KEY", lines: int = 12, *, is_cut: bool = False) -> str:
    """Return a block of many lines; `is_cut` leaves out the last."""
    dashes = "-" * 5
    body = "\n".join(some(64) for _ in range(lines))
    end = "" if is_cut else f"\n{dashes}END {kind}{dashes}"
    return f"{dashes}BEGIN {kind}{dashes}\n{body}{end}"


def web_token() -> str:
    head, body = (
        urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in ('{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890","name":"Ann"}')
    )
    return f"{head}.{body}.{some(43)}"


TOKENS: dict[str, tuple[str, str]] = {
    "an AWS access key id": ("AWS access key", "AK" + "IA" + some(16, UPPER)),
    "a GitHub token": ("github pat", "gh" + "p_" + some(36)),
    "a fine-grained GitHub token": (
        "github fine grained pat", "github" + "_pat_" + some(22) + "_" + some(59)),
    "a GitLab token": ("gitlab pat", "gl" + "pat-" + some(20)),
    "a Slack bot token": (
        "Slack token", "xo" + "xb-" + some(12, DIGITS) + "-" + some(12, DIGITS) + "-" + some(24)),
    "a Slack app token": (
        "Slack token",
        "xa" + "pp-1-A" + some(10, UPPER) + "-" + some(13, DIGITS) + "-" + some(64, HEX)),
    "a Slack webhook": (
        "slack webhook url",
        "https://hooks.slack" + ".com/services/T" + some(8, UPPER) + "/B" + some(9, UPPER)
        + "/" + some(24)),
    "a Discord token": ("Discord token", "M" + some(23) + "." + some(6) + "." + some(27)),
    "a Discord webhook": (
        "Discord webhook",
        "https://discord" + ".com/api/webhooks/" + some(18, DIGITS) + "/" + some(68)),
    "a Telegram token": ("Telegram token", some(10, DIGITS) + ":A" + "A" + some(33)),
    "a JSON web token": ("JSON web token", web_token()),
    "a Stripe key": ("Stripe key", "sk" + "_live_" + some(24)),
    "a Stripe key for tests": ("Stripe key", "sk" + "_test_" + some(24)),
    "a Twilio key": ("Twilio key", "S" + "K" + some(32, HEX)),
    "a SendGrid key": ("sendgrid", "S" + "G." + some(22) + "." + some(43)),
    "a Square token": ("Square token", "sq0" + "csp-" + some(43)),
    "a Mailchimp key": ("Mailchimp key", some(32, HEX) + "-us12"),
    "an OpenAI key of a project": (
        "OpenAI key", "sk" + "-proj-" + some(74) + "T3Blbk" + "FJ" + some(74)),
    "an old OpenAI key": ("OpenAI key", "sk" + "-" + some(20) + "T3Blbk" + "FJ" + some(20)),
    "an Anthropic key": ("Anthropic key", "sk" + "-ant-api03-" + some(93) + "AA"),
    "an npm token": ("npm token", "np" + "m_" + some(36)),
    "a PyPI token": ("PyPI token", "py" + "pi-AgEIcHlwaS5vcmc" + some(80)),
    "a Google key": ("gcp api key", "AI" + "za" + some(35)),
    "a Google client secret": ("Google OAuth token", "GOC" + "SPX-" + some(28)),
    "a Hugging Face token": (
        "huggingface access token", "h" + "f_" + some(34, string.ascii_letters)),
    "a DigitalOcean token": ("digitaloceanapikey", "dop" + "_v1_" + some(64, HEX)),
    "a Databricks token": ("databricks api token", "da" + "pi" + some(32, HEX)),
    "a Vault token": ("vault service token", "hv" + "s." + some(95)),
    "a Notion token": ("Notion token", "nt" + "n_" + some(11, DIGITS) + some(35)),
    "an old Notion token": ("Notion token", "sec" + "ret_" + some(43)),
    "an Atlassian token": (
        "Atlassian token", "ATA" + "TT3xFfGF0" + some(172) + "=" + some(8, "0123456789ABCDEF")),
    "a Pinecone key": ("Pinecone key", "pc" + "sk_" + some(6) + "_" + some(63)),
    "an RSA key of many lines": ("private key", private_key()),
    "an OpenSSH key": ("private key", private_key("OPENSSH PRIVATE KEY", 30)),
    "a PGP key": ("private key", private_key("PGP PRIVATE KEY BLOCK")),
    "a private key that breaks off": ("private key", private_key("PRIVATE KEY", is_cut=True)),
    "an encrypted key with its headers": (
        "private key",
        private_key().replace("-\n", "-\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,00FF\n\n", 1)),
    "a quoted private key": ("private key", private_key().replace("\n", "\n> ")),
    "a private key in one line of JSON": ("private key", private_key().replace("\n", "\\n")),
}  # fmt: skip
"""What each is called in a text, and one of it."""

AZURE_KEY = some(86) + "=="
FIREFLIES_KEY = uuid()
AWS_SECRET = some(40)
BEARER = some(40)
