"""Tells a secret from a placeholder, a variable, code and a word by the value alone."""

import re

_FLAGS = re.IGNORECASE | re.VERBOSE

_NAMED = r"(?:password|passwd|passphrase|passcode|passwort|pwd|secret|token|key|pass|pw)"

_MASK_OR_VARIABLE = re.compile(
    rf"""
      [\s$%{{}}<>\[\](@\#&*•●.…x_?-]* $                # nothing but masks
    | .* \[redacted | \$\{{ | \$\$ | \$\d+ $ | %[({{] | [@\#]\{{ | \\\( | \{{[{{%]
    | \[ [^\]]* \] [(\[]
    | \$? [\[({{] [\w\s./:|,"'-]* [\])}}]* $               # $(cat file), {{name}}, [see below]
    | \$ (?: [a-z_]+ (?:->\w+)* | \w* {_NAMED} \w* ) [)\]}}]* $
    | % [a-z_]+ %? $ | @ [a-z_]+ @? $
    | (?-i: \$? [A-Z]+ (?:_[A-Z0-9]+)+ ) $                         # a variable of the environment
    | (?-i: \$ [A-Z][A-Z0-9_]* ) $
    | [<(] [\s/]* [^\W\d]* [<>)\]]* $                  # the first word of <your password>
    | [<(] (?: [^\W\d] | [\s.:/'|,_-] )* [>)] (?: \W | $ )
    | [<(] (?= [^>)]* \s ) [\w\s.:/'|,-]* [>)] (?: \W | $ )
    | < (?: https?: | mailto: | [@\#!] | [?%] | /?{_NAMED} )
    """,
    _FLAGS,
)

_EXAMPLE = re.compile(
    rf"""
      (?: your | example | sample | dummy | fake | replace | insert | enter )
        (?: [-_ ] [\w .-]* | {_NAMED} [\w.-]* | api [\w.-]* )? $
    | (?: my | some | the | a | new | old | current | user | db | database | admin | root | access
        | api | client | auth | test | super )?
      [-_ ]? {_NAMED} [-_ ]? (?: here | value | string | hash | field | {_NAMED} )?
      [s\d]? $
    | (?: my | some ) [-_ ] [a-z]+ (?: [-_ ] [a-z]+ )* \d? $
    """,
    _FLAGS,
)

_PARTLY_MASKED = re.compile(r"x{4,}|\*{3,}|•{3,}|●{3,}|\.{3}|…", re.IGNORECASE)

_MASKS = ("xxxx", "***", "•••", "●●●", "...", "…")

_LEAST_BESIDE_MASK = 8

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
    "1password", "keepass", "keepass2", "keepassxc", "lastpass", "bitwarden", "vault", "keychain",
    "mandatory", "disabled", "enabled", "updated", "forgotten", "falsch", "erforderlich",
    "vergessen", "geändert", "requis", "oublié", "incorrecta", "requerida", "obligatorio",
    "inválida", "obrigatória", "verplicht", "wymagane", "обязателен", "неверный",
))  # fmt: skip
"""What follows such a name in sentences, schemas and logs, and is no secret."""

_CODE = re.compile(
    r"""[A-Za-z_]\w* (?: (?:\.|->|::) [A-Za-z_]\w* )* (?: \( | \[ (?!\d*$) )  # a call, an element
      | [A-Za-z_]+ (?: (?:\.|->|::) [A-Za-z_]+ )+ ;? $           # an attribute
      | \$? [a-z_]\w* (?:->|::|\?\.) \w
      | / [\w.-]* / | (?:~|\.{0,2})/ | [A-Z]:\\ | [<(]? [a-z]{2,10}://            # a path
    """,
    re.VERBOSE,
)

_ORDINARY = re.compile(
    r"""
      v? \d+ (?: [.,:/_-] \d+ )* [-+]? (?: [a-z]{1,3} \d{0,2} )? \W* $  # version, date, count, size
    | v? \d+ (?: \.\d+ )+ [-+.a-z0-9]* $
    | \d{4}-\d\d-\d\dt? [\d:.z+-]* $
    | \d+ [-] [a-z]+ (?: - [a-z]+ )* $                              # 8-character, 30-day
    | (?-i: [A-Z]{2,10} | [A-Z]?[a-z]{1,10} ) - \d+ $                # HAR-123
    | [a-z]+ \d{0,3} (?: [./_] [a-z]+ \d{0,3} )+ \W* $             # names of hosts and files
    | \w+ (?: / [a-z]+ )+ $ | (?: ctrl | alt | shift | cmd | win ) [+-] .* $   # paths, keys
    | [\w.+-]+ @ [\w-]+ \. [\w.-]+ \W* $                            # an address
    | (?: sha | md | base | utf | pbkdf | argon | bcrypt | scrypt | oauth | aes | rsa | hs | rs | es
        | http | ipv | log | win | id ) -? \d+ [a-z]{0,6} (?: [-_/] \w+ )* $
    | [a-z] \d+ [a-z]{0,2} $                                       # k8s, s3, i18n
    | [a-z_]+ : \d+ $ | [@\#] \w | : \w+ : | [a-z]+ ' [a-z]+ $ | \d+ % | \w+ = | &\w
    | U[A-Z0-9]{8,10} $
    """,
    _FLAGS,
)
"""What has digits or signs in it in plain texts."""

_EXTENSION = (
    "c|cc|cfg|conf|cpp|cs|css|csv|docx?|env|gif|go|gz|h|html?|ini|ipynb|java|jpe?g|json|jsx?|key"
    "|keystore|kt|lock|log|md|p12|pdf|pem|php|png|pptx?|properties|py|rb|rs|scss|sh|sql|svg|swift"
    "|tar|tf|tgz|toml|tsx?|tsv|txt|xlsx?|xml|ya?ml|zip"
)

_REFERENCE = re.compile(
    rf"""
      [\w.+-]+ \. (?: {_EXTENSION} ) (?: [:\#] \w* )? \W* $           # a file, a line of it
    | (?-i: (?: [a-z\d] [a-z\d-]* \. )+ [a-z]{{2,}} ) \W* $          # a host
    | (?-i: [a-z._-]+ (?: / (?: [a-z._-]+ | \d+ ) )+ ) \W* $       # users/42
    | (?: [\w.-]+ / [\w.-]+ | pr | mr | gh | issues? | bug | pull | build | ticket )
        [\#!] \d+ \W* $                                            # PR#123
    | --? [a-z][\w-]* =                                            # an option
    """,
    _FLAGS,
)
"""What refers to something in sentences: a file, a host, a route, an issue, an option."""

_WORD_WITH_NUMBER = re.compile(
    r"""(?: [a-z]+ | (?-i: [a-z]+ (?: [-_] [a-z]+ )+ | [A-Z][a-z]* (?: [-_] [A-Z][a-z]* )+
        | [A-Z]+ (?: [-_] [A-Z]+ )+ ) ) [-_]? \d{1,2} $""",
    _FLAGS,
)
"""Python3, Windows10, node-pool-1; not correct-horse-Battery7."""

_SPECIAL = frozenset("!@#$%^&*+?~=")

_LEAST_CHARACTERS = 5
"""Shorter values are more often words than secrets."""

_LEAST_STRONG = 6

_RANDOM = re.compile(
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{8,}"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
)
_LONG_RANDOM = 16


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands for another: a mask, a variable, an example, or a word."""
    lowered = value.lower()
    if lowered in _WORDS or _MASK_OR_VARIABLE.match(value) or _EXAMPLE.match(value):
        return True
    if not any(mask in lowered for mask in _MASKS):
        return False
    mask = _PARTLY_MASKED.search(value)
    if mask is None:
        return False
    rest = value[: mask.start()] + value[mask.end() :]
    return len(rest) < _LEAST_BESIDE_MASK or not is_mixed(rest) or mask[0][0] in ".…"


def is_code(value: str) -> bool:
    """Tell whether a value is a call, an attribute, an element or a path."""
    return _CODE.match(value) is not None


def is_mixed(value: str) -> bool:
    """Tell whether a value has letters, and digits or signs, unlike words and numbers."""
    if len(value) < _LEAST_CHARACTERS or not any(map(str.isalpha, value)):
        return False
    if any(map(str.isdigit, value)):
        return True
    return not _SPECIAL.isdisjoint(value[:-1]) and _ORDINARY.match(value) is None


def is_strong(value: str) -> bool:
    """Tell whether a value can hardly be a word of a sentence that names a password."""
    return (
        len(value) >= _LEAST_STRONG
        and " " not in value
        and is_mixed(value)
        and _ORDINARY.match(value) is None
        and _REFERENCE.match(value) is None
    )


def is_very_strong(value: str) -> bool:
    """Tell whether a value can hardly be a word of any text."""
    return is_strong(value) and _WORD_WITH_NUMBER.match(value) is None


def is_random(value: str, *, is_long: bool = False) -> bool:
    """Tell whether a value has a part of letters and digits as keys and tokens have."""
    match = _RANDOM.search(value)
    return match is not None and (not is_long or len(match[0]) >= _LONG_RANDOM)
