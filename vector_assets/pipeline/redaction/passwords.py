"""Finds secrets by the name before them: `password: hunter2`, `the password for staging is ...`.

These have no form of their own. The value is checked as well: a placeholder, a variable or a word
of a sentence is no secret. Texts are searched as `normal.py` shows them.
"""

import re
from collections.abc import Iterable, Iterator

from vector_assets.pipeline.redaction.names import (
    BEFORE_KEY,
    FOREIGN_IS,
    IN_OTHER_LANGUAGES,
    JOINING,
    NAMES,
    WITHOUT_SPACES,
    Name,
)
from vector_assets.pipeline.redaction.secret import Secret
from vector_assets.pipeline.redaction.values import (
    is_code,
    is_mixed,
    is_placeholder,
    is_random,
    is_strong,
    is_very_strong,
)
from vector_assets.pipeline.redaction.words import Words

_FLAGS = re.IGNORECASE | re.VERBOSE

VALUE = r"""
    (?: \\?" (?P<double> [^"\n\\]{1,200} ) \\?" | ' (?P<single> [^'\n]{1,200} ) '
      | `{1,3} (?P<ticks> [^`\n]{1,200} ) ` | (?P<bare> [^\s"'`|\x01]{1,300} ) )
"""
_MARKS = r"""[\\"'`*_~\])\x01]{0,8}"""
_VALUE_WORD = r"""(?: [\s,]{0,8} ["']? \b value (?: [\s\x01]{1,3} (?=is\b) )? ["'*\x01]{0,4} )?"""
_SYMBOL = r"%3[ad]|\\u003[ad]|:?=|=>?|={2,3}|:|\|{1,3}|[-=~]{0,2}>|→"
_BEFORE_VALUE = r"""
    (?: [*_~\x01`]{1,4} (?=[\s\x01]) )? [ \x01]{0,4}
    (?: (?:now|still|currently|just|jetzt|maintenant|ahora|agora|ora|nu|теперь) [ ] )?
    (?: [*_~\x01]{1,4} (?!\s) )? (?: [|>][-+]? (?= [ ]{0,3}\n ) )?
    (?: [ \x01]{0,3} \n{1,2} [ >]{0,8} [*_\x01]{0,4} )?
    (?: `{3}\w{0,10}\n )?
"""
_REPLACED = re.compile(r"\[redacted: [^\[\]\n]*$")
_TAIL = r"(?: (?-i: [a-zäöåéа-яё]{1,3} ) (?![^\W\d_]) )?"

_DIRECT = re.compile(
    rf"""{_TAIL} (?: [_-]\w{{1,20}} (?=["'\s:=]) )? {_MARKS} {_VALUE_WORD} \s{{0,3}}
    (?P<separator> {_SYMBOL} | \b(?:{"|".join(IN_OTHER_LANGUAGES)})\b | {WITHOUT_SPACES} )
    {_BEFORE_VALUE} {VALUE}""",
    _FLAGS,
)
_REST_OF_KEY = re.compile(r"[_ -]?(?:access[_ -]?)?key(?:[_ -]?base)?", re.IGNORECASE)

_JOINED = re.compile(
    rf"""(?P<separator> {_SYMBOL} | \s-(?=\s) | \b(?:{"|".join(JOINING)})\b | {WITHOUT_SPACES} )""",
    _FLAGS,
)
_JOINED_VALUE = re.compile(_BEFORE_VALUE + VALUE, _FLAGS)
_END_OF_SENTENCE = re.compile(
    r"[.!?;](?=\s|$)(?!\s(?:the\s)?(?:new|it|here|neues)\b)|\n|\[redacted: ", re.IGNORECASE
)
_SENTENCE_CHARACTERS = 120

_FOLLOWED = re.compile(
    rf"{_TAIL} {_MARKS}"
    rf" (?: [ ,]{{1,3}} [-(]? | 's[ ] | [ ]?[.…]{{1,4}}[ ] | \( | [ \x01]{{0,3}} \n{{1,2}} )"
    rf" [*_~\x01]{{0,4}} (?: \[ [^\]\n]{{1,20}} \] [ ] )? {VALUE}",
    _FLAGS,
)
_PRECEDED = re.compile(
    r"""(?: [\s(] | ^ ) (?: " (?P<double> [^"\s]{1,100} ) " | ' (?P<single> [^'\s]{1,100} ) '
          | ` (?P<ticks> [^`\s]{1,100} ) ` | [*_~\x01]{0,4} (?P<bare> [^\s"'`|\x01]{1,100} ) )
        [*_~\x01,]{0,4} [ ] (?: is | as | ist | est | es | is[ ]now | war | als )
        (?: [ ] [^\W\d]{1,12} ){0,3} [ ] (?:[a-z]{1,20}[_-])? $""",
    _FLAGS,
)
_PRECEDING_CHARACTERS = 120
_VERBS = (" is ", " as ", " ist ", " est ", " es ", " war ", " als ")

_LETTERS_AFTER_ASCII = re.compile(r"(?<=[!-~]{4})[^\x00-\x7f]")
"""Where words in a script without spaces go on after a value."""

_NEXT_SETTING = re.compile(r";|[&,](?=[\w.%\[\]-]{1,60}=)|%26")
"""Where another setting begins; a password may hold the same signs."""

TRAILING = ".,;:?)]}>*_~、，؛，"
_EQUALS = ("=", "==", "===", ":=", "=>")
_CALL = re.compile(r"[\w\])]\.\w{1,40}\(")
_LINE_END = re.compile(r"[ \t*_~\x01`]*(?:[|\n]|$)")
_NUMBERS = ("pin", "pin code", "pincode", "passcode")
_LEAST_PIN, _MOST_PIN = 4, 12
_LEAST_WORD = 5


_WORDS = Words(name.word for name in NAMES)
_LEAST_DIGITS = 6


def named_secrets(text: str, names: Iterable[Name]) -> Iterator[Secret]:
    """Yield the secrets that a name announces; in no order.

    Args:
        text: As `read_text` shows it.
        names: Which to look for.
    """
    lowered = text.lower()
    for name in names:
        for at, end in _places(name, lowered):
            following = lowered.find(name.word, end)
            yield from _announced(name, text, at, end, following)


def names_in(text: str) -> tuple[Name, ...]:
    """Return the names that stand in a text, or in texts joined by line breaks.

    Args:
        text: As `read_text` shows it.
    """
    words = _WORDS.standing_in(text)
    if not words:
        return ()
    lowered = text.lower()
    return tuple(name for name in NAMES if name.word in words and any(_places(name, lowered)))


def _places(name: Name, lowered: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of a word where it announces a secret in a text in lower case."""
    at = lowered.find(name.word)
    while at >= 0:
        end = at + len(name.word)
        if _is_name(name, lowered, at, end):
            yield at, end
        at = lowered.find(name.word, end)


def _is_name(name: Name, lowered: str, start: int, end: int) -> bool:
    """Tell whether a word announces a secret where it stands."""
    if lowered[end : end + 1] == "]" and _REPLACED.search(lowered, max(0, start - 40), start):
        return False
    if name.word == "key":
        return BEFORE_KEY.search(lowered, max(0, start - 16), start) is not None
    if not name.is_whole:
        return not (name.word == "passwd" and lowered.endswith("/etc/", 0, start))
    return not (lowered[start - 1 : start].isalnum() or lowered[end : end + 1].isalnum())


def _announced(name: Name, text: str, start: int, end: int, following: int) -> Iterator[Secret]:
    """Yield the secret that a name announces, if one does."""
    if name.word == "secret" and (rest := _REST_OF_KEY.match(text, end)):
        end = rest.end()
    direct = _DIRECT.match(text, end)
    secret = _direct(name, direct) if direct else None
    if secret is None:
        stop = end + _SENTENCE_CHARACTERS
        sentence_end = _END_OF_SENTENCE.search(text, end, stop)
        stop = min(sentence_end.start() if sentence_end else stop, len(text))
        if 0 <= following < stop:
            stop = following
        secret = _joined(name, text, end, stop) or _beside(name, text, start, end)
    if secret is not None:
        yield secret


def _direct(name: Name, match: re.Match[str]) -> Secret | None:
    """Return the value right behind a name and a separator, if it is a secret."""
    separator = match["separator"].lower()
    start, end, value, quote = value_of(match, is_setting=separator in _EQUALS)
    if separator in FOREIGN_IS and name.is_english:
        return None
    if not _may_be_secret(match[quote], value, quote):
        return None
    if name.word in ("key", "token"):
        is_secret = is_random(value)
    elif name.is_whole:
        is_secret = is_strong(value) or (value.isdigit() and _LEAST_PIN <= len(value) <= _MOST_PIN)
    else:
        # In sentences, tags and cells of tables addresses and versions stand as well.
        is_said = separator not in (*_EQUALS, ":") and name.word != "secret"
        is_secret = is_strong(value) if is_said else is_mixed(value)
        if not is_said and name.word != "secret":
            is_secret = is_secret or _is_assigned(match, separator, value, quote)
    return _secret(name, start, end) if is_secret else None


def _is_assigned(match: re.Match[str], separator: str, value: str, quote: str) -> bool:
    """Tell whether a word or a number is set, and not said: in sentences it would be no secret."""
    is_spaced = separator == ":" or match.string[match.start("separator") - 1] == " "
    if quote != "bare" or not is_spaced:
        # `PASSWORD=swordfish` is a setting, `password = variable` a line of code.
        return " " not in value
    # A word of a sentence is followed by others, a variable by a comma.
    is_line = separator == ":" and _LINE_END.match(match.string, match.end()) is not None
    return (is_line and len(value) >= _LEAST_WORD) or (
        value.isdigit() and len(value) >= _LEAST_DIGITS
    )


def _joined(name: Name, text: str, end: int, stop: int) -> Secret | None:
    """Return the value that a sentence joins to a name: `... for staging was changed to ...`."""
    for joint in _JOINED.finditer(text, end, stop):
        match = _JOINED_VALUE.match(text, joint.end())
        if match is None:
            continue
        start, value_end, value, quote = value_of(match, is_setting=False)
        is_phrase = quote != "bare" and name.word == "passphrase" and value.count(" ") > 1
        if _may_be_secret(match[quote], value, quote) and (
            is_phrase or _is_strong_for(name, value)
        ):
            return _secret(name, start, value_end)
    return None


def _beside(name: Name, text: str, start: int, end: int) -> Secret | None:
    """Return the value that only white space parts from a name, or that is said to be it."""
    followed = _FOLLOWED.match(text, end)
    if followed is not None:
        value_start, value_end, value, quote = value_of(followed, is_setting=False)
        if name.kind != "password":
            is_secret = is_random(value, is_long=True)
        elif name.word in _NUMBERS and value.isdigit():
            is_secret = _LEAST_PIN <= len(value) <= _MOST_PIN
        else:
            is_secret = is_very_strong(value) if quote == "bare" else is_strong(value)
        if is_secret and _may_be_secret(followed[quote], value, quote):
            return _secret(name, value_start, value_end)
    if name.kind != "password":
        return None
    return _preceding(name, text, start)


def _preceding(name: Name, text: str, start: int) -> Secret | None:
    """Return the value that a sentence says to be what it names behind it."""
    shift = max(0, start - _PRECEDING_CHARACTERS)
    before = text[shift:start]
    if not any(verb in before for verb in _VERBS):
        return None
    preceded = _PRECEDED.search(before)
    if preceded is None:
        return None
    value_start, value_end, value, quote = value_of(preceded, is_setting=False)
    if not is_strong(value) or not _may_be_secret(preceded[quote], value, quote):
        return None
    return _secret(name, value_start + shift, value_end + shift)


def _is_strong_for(name: Name, value: str) -> bool:
    if name.word in ("key", "token", "secret"):
        return is_random(value, is_long=True)
    return is_very_strong(value) if name.is_whole else is_strong(value)


def _may_be_secret(whole: str, value: str, quote: str) -> bool:
    if is_placeholder(value) or (whole != value and is_placeholder(whole)):
        return False
    return not (is_code(value) if quote == "bare" else _CALL.search(value))


def _secret(name: Name, start: int, end: int) -> Secret:
    return Secret(start, end, "API key" if name.kind == "key" else name.kind)


def value_of(match: re.Match[str], *, is_setting: bool) -> tuple[int, int, str, str]:
    """Return the start, the end, the text and the quotation of a value.

    Args:
        match: Of an expression that holds `VALUE`.
        is_setting: Whether other settings may follow in the same word, as in links.
    """
    quote = next(name for name in ("double", "single", "ticks", "bare") if match[name] is not None)
    start, end = match.span(quote)
    value = match[quote]
    if quote == "bare":
        if is_setting:
            value = _NEXT_SETTING.split(value, maxsplit=1)[0]
        value = re.split(r"</|\\[\"n]|\]\(", value, maxsplit=1)[0] or value
        letters = _LETTERS_AFTER_ASCII.search(value)
        value = value[: letters.start()] if letters else value
        # Half a pair of brackets belongs to the sentence.
        value = value.lstrip("([{<") if value[-1:] in ")]}>" else value
        start = end - len(match[quote]) + match[quote].index(value) if value else start
        value = value.rstrip(TRAILING) or value
        end = start + len(value)
    return start, end, value, quote
