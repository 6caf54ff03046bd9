"""Finds secrets by the name before them: `password: hunter2`, `Authorization: Bearer ...`.

These have no form of their own. The value is checked as well: a placeholder, a variable or a word
of a sentence is no secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PASSWORD_WORDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "_pass", "passwort", "kennwort",
    "contraseña", "contrasena", "mot de passe", "senha", "wachtwoord", "lösenord", "adgangskode",
    "passord", "salasana", "hasło", "heslo", "jelszó", "şifre", "пароль", "密码", "密碼", "口令",
    "パスワード", "비밀번호", "סיסמה", "كلمة المرور", "كلمة السر", "mật khẩu", "รหัสผ่าน",
)  # fmt: skip

_KINDS = {
    **dict.fromkeys(_PASSWORD_WORDS, "password"),
    "secret": "secret",
    "key": "key",
    "token": "token",
}
"""The kind of secret that each word announces."""

_BEFORE_KEY = re.compile(
    r"(?:api|access|private|auth|account|service|client|signing|encryption|secret|consumer)[_ -]?$",
    re.IGNORECASE,
)
"""Words that make a `key` a secret; issues, rows and keyboards have keys too."""

_REST_OF_NAME = r"(?: [_ -]? (?:access[_ -]?)? key (?:[_ -]?base)? )?"

_SEPARATOR = r"""
    [\\"'`*_\])]{0,5} \s{0,3}
    (?P<separator> :?= | =>? | ={2,3} | [:：] | \| | > | \b(?:is|ist|est|es|è|är|jest)\b )
    [ \t*_]{0,4} (?:\n[ \t>]{0,4})?
"""

_VALUE = r"""
    (?: \\?" (?P<double> [^"\n\\]{1,200} ) \\?" | ' (?P<single> [^'\n]{1,200} ) '
      | `{1,3} (?P<ticks> [^`\n]{1,200} ) ` | (?P<bare> [^\s"'`<|]{1,300} ) )
"""

_FLAGS = re.IGNORECASE | re.VERBOSE

_REST = re.compile(_SEPARATOR + _VALUE, _FLAGS)

_REST_OF_SECRET = re.compile(_REST_OF_NAME + _SEPARATOR + _VALUE, _FLAGS)

_OPTION = re.compile(
    r"--[\w-]{0,30}(?P<name>password|passwd|passphrase|secret|token|api-key|access-key)"
    rf"[ \t]{{1,3}} {_VALUE}",
    _FLAGS,
)

_AUTHORIZATION = re.compile(
    r"""(?: authorization ["'`*\\]{0,4} \s{0,3} [:=：] [ \t"'`*\\]{0,5}
            (?P<scheme> (?:bearer|basic|token|apikey) \s{1,3} )? | \b bearer [ ]{1,3} )
        (?P<value> [A-Za-z0-9._~+/=-]{8,2000} )""",
    _FLAGS,
)

_LOGIN_IN_LINK = re.compile(
    r"""[a-z][a-z0-9+.-]{1,30} :// [^\s/:@"'`<>]{0,100}
        : (?P<value> [^\s/@"'`<>]{1,200} ) @ [\w\[]""",
    _FLAGS,
)

_TRAILING = ".,;:!?)]}>*_~"

_PLACEHOLDER = re.compile(
    r"""
      [\s$%{<\[(@#&*•.…x_-]* $              # nothing but masks
    | [$<{(\[] | %[({] | @\{ | \#\{ | \\\(   # a variable, or [redacted: ...]
    | .* (?: x{4} | \*{3} | •{3} | \.{3} | … )
    | (?: your | my | some | example | sample | dummy | fake | replace | insert | enter )
        (?: [-_ ] .* | (?: pass | secret | token | key | api ) .* )? $
    | (?: (?:the|a|new|old|user|db|database|admin|root|access|api|client|auth)?[-_ ]?
        (?:password|passwd|passphrase|pwd|secret|token|key|pass) [s\d]{0,2} ) $
    """,
    _FLAGS,
)

_WORDS = frozenset((
    "redacted", "hidden", "masked", "removed", "changeme", "none", "null", "nil", "undefined",
    "true", "false", "yes", "no", "on", "off", "string", "str", "text", "varchar", "char",
    "number", "int", "integer", "bool", "boolean", "object", "array", "required", "optional",
    "empty", "blank", "invalid", "incorrect", "wrong", "missing", "expired", "unknown", "default",
    "reset", "changed", "rotated", "revoked", "encrypted", "hashed", "protected", "stored",
    "generated", "identifier", "authentication", "test", "testing", "see", "ask", "not", "the",
    "and", "for", "from", "with", "that", "this", "are", "was", "has", "have", "can", "will",
    "should", "must", "being", "used", "set", "stays", "needs", "works", "readonly",
    "authorization", "bearer", "basic", "username", "user", "email", "value", "field",
))  # fmt: skip
"""What follows such a name in sentences, schemas and logs, and is no secret."""

_CODE = re.compile(
    r"""[A-Za-z_]\w* (?: (?:\.|->|::) [A-Za-z_]\w* )* [(\[]     # a call, an element
      | [A-Za-z_]+ (?: (?:\.|->|::) [A-Za-z_]+ )+ ;? $           # an attribute
      | / [\w.-]* / | \.{0,2}/ | [A-Z]:\\ | https?://            # a path
    """,
    re.VERBOSE,
)

_EQUALS = ("=", "==", "===", ":=", "=>")

_LINE_END = re.compile(r"[ \t*_~]*(?:[|\n]|$)")

_LEAST_CHARACTERS = 5
"""Shorter values are more often words than secrets."""

_RANDOM = re.compile(
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{8,}"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands in a text (end exclusive), and its kind, for a person: `password`."""

    start: int
    end: int
    kind: str


def assigned_secrets(text: str) -> Iterator[Secret]:
    """Yield the secrets that follow a name; in no order."""
    # The only letter whose lower case is longer than itself would shift all later indices.
    lowered = text.replace("İ", "I").lower()
    yield from _after_words(text, lowered)
    # Each expression is tried only where a text contains what it needs, which is rare.
    if "--" in text:
        for match in _OPTION.finditer(text):
            kind = "password" if match["name"].lower().startswith("pass") else "token"
            yield from _judged(match, kind, "=", is_setting=True)
    if "authorization" in lowered or "bearer" in lowered:
        for match in _AUTHORIZATION.finditer(text):
            value = match["value"]
            if not _is_placeholder(value) and (match["scheme"] or _is_mixed(value)):
                yield Secret(*match.span("value"), "authorization")
    if "://" in text and "@" in text:
        for match in _LOGIN_IN_LINK.finditer(text):
            if not _is_placeholder(match["value"]):
                yield Secret(*match.span("value"), "password")


def _after_words(text: str, lowered: str) -> Iterator[Secret]:
    """Yield what follows a word that names a secret.

    Searching for each word takes a tenth of the time of one expression for all words.
    """
    for word, kind in _KINDS.items():
        rest = _REST_OF_SECRET if word == "secret" else _REST
        at = lowered.find(word)
        while at >= 0:
            end = at + len(word)
            if word != "key" or _BEFORE_KEY.search(text, max(0, at - 12), at):
                match = rest.match(text, end)
                if match is not None:
                    separator = match["separator"].lower()
                    # `PASSWORD=swordfish` is a setting, `password = variable` a line of code.
                    is_setting = (
                        separator in _EQUALS and not text[match.start("separator") - 1].isspace()
                    )
                    yield from _judged(match, kind, separator, is_setting=is_setting)
            at = lowered.find(word, end)


def _judged(
    match: re.Match[str], kind: str, separator: str, *, is_setting: bool
) -> Iterator[Secret]:
    quote = next(name for name in ("double", "single", "ticks", "bare") if match[name] is not None)
    start, end = match.span(quote)
    value = match[quote]
    if quote == "bare":
        if separator in _EQUALS:
            # Connection strings and links hold several settings.
            value = re.split("[;&,]", value, maxsplit=1)[0]
        value = value.rstrip(_TRAILING) or value
        end = start + len(value)
    is_bare = quote == "bare"
    if _is_placeholder(value) or (is_bare and _CODE.match(value)):
        return
    if kind in ("key", "token"):
        is_secret = _RANDOM.search(value) is not None
    elif _is_mixed(value):
        is_secret = True
    elif kind == "secret" or separator.isalpha() or separator in "|>":
        # In sentences and cells of tables only mixed values count, and this one is not.
        is_secret = False
    elif is_bare and not is_setting:
        # A word of a sentence is followed by others, a variable by a comma.
        is_secret = (
            separator in (":", "：")
            and len(value) >= _LEAST_CHARACTERS
            and _LINE_END.match(match.string, match.end()) is not None
        )
    else:
        is_secret = " " not in value
    if not is_secret:
        return
    yield Secret(start, end, "API key" if kind == "key" else kind)


def _is_placeholder(value: str) -> bool:
    return value.lower() in _WORDS or _PLACEHOLDER.match(value) is not None


def _is_mixed(value: str) -> bool:
    """Tell whether a value has both letters and digits, unlike words and numbers."""
    return (
        len(value) >= _LEAST_CHARACTERS
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
    )
