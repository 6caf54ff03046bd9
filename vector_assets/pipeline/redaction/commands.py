"""Finds secrets in commands, links, headers and files of settings, where a form names them."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vector_assets.pipeline.redaction.passwords import TRAILING, VALUE, value_of
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

_OPTION = re.compile(
    r"--[\w-]{0,30}(?P<name>password|passwd|passphrase|pass|pwd|secret|token|api-key|access-key)"
    rf"[ ]{{1,3}} {VALUE}",
    _FLAGS,
)

_AUTHORIZATION = re.compile(
    r"""(?: authorization ["'`*\\]{0,4} \s{0,3} [:=] [ "'`*\\\x01]{0,5}
            (?P<scheme> (?:bearer|basic|token|apikey) \s{1,3} )? | \b bearer [ ]{1,3} )
        (?P<value> [A-Za-z0-9._~+/=-]{8,2000} )""",
    _FLAGS,
)

_LOGIN_IN_LINK = re.compile(
    r"""(?<=[a-z0-9+.-]):// [^\s/:@"'`<>]{0,100}
        : (?P<value> (?: <? [^\s/"'`<>]{1,200} | [^\s@"'`<>]{1,200} ) ) @ [\w\[]""",
    _FLAGS,
)
_LOGIN_OF_DRIVER = re.compile(
    r"""\b[\w.-]{1,60}:(?P<value><?[^\s/:"'`<>]{1,100})@(?:tcp|udp|unix)\("""
)
_LOGIN_OF_ORACLE = re.compile(
    r"""\b(?:oracle:thin:|sqlplus[ ][^\n/]{0,80}?)[\w.-]{1,60}/(?P<value>[^\s/@"'`<>]{1,100})@"""
)

_P_OPTION = re.compile(
    r"""\b (?:mysql\w{0,12}|mariadb(?:-\w{1,10})?|sshpass|mongo\w{0,10}
          |(?:docker|podman|helm)\b[^\n|;&]{0,40}login|oc[ ]login|az[ ]login|7z\w?|zip|unzip|sqlcmd
          |bcp|rdesktop|redis-cli|ldap\w{3,10}|smbclient|htpasswd|nuget|cqlsh|clickhouse-client
          |influx|vncviewer|plink|pscp|psftp|openconnect|lftp|rabbitmqadmin)
        \b [^\n|;&]{0,120}? \s
        (?: -p[ ]? | -P[ ]? | -a[ ] | -w[ ] | -pw[ ] | -U[ ]?[^\s%]{1,40}%
          | -[bnB]{1,3}[ ]\S{1,60}[ ] )
        (?! [-/] ) """
    + VALUE,
    re.VERBOSE,
)
_P_COMMANDS = (
    "mysql", "mariadb", "sshpass", "mongo", "login", "7z", "zip", "sqlcmd", "bcp", "rdesktop",
    "redis-cli", "ldap", "smbclient", "htpasswd", "nuget", "cqlsh", "clickhouse-client", "influx",
    "vncviewer", "plink", "pscp", "psftp", "openconnect", "lftp", "rabbitmqadmin",
)  # fmt: skip
_U_OPTION = re.compile(
    r"""(?: \s | ^ ) (?: -[a-zA-Z]{0,6}u[ ]{0,2} | --(?:proxy-)?user[ =]{1,2} | --auth[ =] | -a[ ] )
        ["']? [^\s:"'`|/\\<>$]{0,60} : (?!//) (?P<value> [^\s"'`|]{1,100} )""",
    re.VERBOSE,
)
_MAY_BE_U_OPTION = re.compile(r"-(?:[a-zA-Z]{0,6}u|-(?:proxy-)?user|-auth|a )")
_U_COMMANDS = ("curl", "wget", "http", "https", "xh", "ab", "wrk", "hey")
_U_COMMAND = re.compile(rf"\b(?:{'|'.join(_U_COMMANDS)})\b", re.IGNORECASE)

_NETRC = re.compile(
    r"""\b (?: machine \s{1,3} \S{1,100} | default ) \s{1,6} login \s{1,3} \S{1,100} \s{1,6}
        (?: account \s{1,3} \S{1,100} \s{1,6} )? password \s{1,3} (?P<value> \S{1,200} )""",
    _FLAGS,
)
_SQL = re.compile(
    r"""\b (?: identified (?:[ ] with [ ] \S{1,40})? [ ]{1,3} (?:by|as)
          | (?:with|encrypted|login) [ ]{1,3} password | password [ ]? \( )
        [ ]{0,3} ' (?P<value> [^'\n]{1,200} ) '""",
    _FLAGS,
)
_PIPED = re.compile(
    r"""\b echo [ ]{1,3} (?:-n[ ])? ["']? (?: [\w.-]{1,40} : (?P<value> [^\s"'|]{1,100} )
        | (?P<other_value> [^\s"'|]{1,100} ) ) ["']? [ ]? \| [ ]? (?:sudo[ ])?
        (?: chpasswd | (?:sudo|su)\b [^\n|]{0,10} | passwd\b | kinit\b | docker[ ]login\b
          | \w{1,20}[ ][^\n|]{0,60}--password-stdin )""",
    _FLAGS,
)
_AWS_PAIR = re.compile(
    r"""\b (?:AKIA|ASIA) [A-Z0-9]{16} \b [^\n]{1,40}? (?<![A-Za-z0-9/+])
        (?P<value> [A-Za-z0-9/+]{40} ) (?![A-Za-z0-9/+=])""",
    re.VERBOSE,
)
_WINDOWS = re.compile(
    r"""\b net[ ] (?: use \b [^\n]{1,100} /user:\S{1,60} | user [ ] \S{1,60} ) [ ]
        (?P<value> (?!/) \S{1,100} )
        | (?<!\S) /p (?:ass(?:word)?)? : (?P<other_value> [^\s=]{1,100} ) (?!=)""",
    _FLAGS,
)
_HTPASSWD = re.compile(
    r"\bhtpasswd[ ]-[a-zA-Z]{0,5}b[a-zA-Z]{0,5}[ ]\S{1,100}[ ]\S{1,60}[ ](?P<value>\S{1,100})"
)
_COPIED = re.compile(
    r"\b(?:s?ftp|scp|smb|rsync)[ ][\w.-]{1,60}:(?P<value>[^\s:/@]{1,100})@[\w-]", re.IGNORECASE
)
_K_OPTION = re.compile(
    r"""\b (?: openssl\b [^\n|;&]{0,120}? \s -k[ ] | ldap\w{3,10}\b [^\n|;&]{0,120}? \s -w )
        (?! [-/ ] ) """
    + VALUE,
    re.VERBOSE,
)
_REDIS = re.compile(
    r"""\b(?:requirepass|masterauth)[ ]{1,8}(?P<value>(?!\[redacted: )[^\s"'`]{1,200})"""
)
_REDIS_AUTH = re.compile(
    r"""(?m: ^ ) (?: [\w.:-]{1,40} > [ ]? )? AUTH [ ] (?: [\w.-]{1,40} [ ] )?
        (?P<value> [^\s"'`\[]{1,200} ) (?m: $ )""",
    re.VERBOSE,
)
_ACCOUNT = re.compile(
    r"""(?: (?<! [\w/.:@=-] ) (?: root | admin | administrator | sa )
          | \b (?: wi-?fi | wlan | rdp | vnc | ipmi | idrac | ilo ) [ ]? :? [ ] [^\s:/]{1,40} )
        (?: : | [ ]? / [ ]? ) (?! \S{0,60} @ [\w.-]{1,60} [(:/] )
        (?P<value> (?: (?! \]\( ) [^\s/:|"'`<>=?&\x01] ){6,60}+ ) (?! [/:=|<] )""",
    _FLAGS,
)
_ACCOUNT_WORDS = (
    "root", "admin", "sa/", "sa /", "sa:", "wifi", "wi-fi", "wlan", "rdp", "vnc", "ipmi",
    "idrac", "ilo",
)  # fmt: skip
_ABBREVIATED = re.compile(
    r"""\b u (?:ser|sr|n)? [ ]? [:=] [ ]? [^\s,;]{1,60} [ ,;]{1,3} p (?:w|wd|ass)? [ ]? [:=] [ ]?
        (?P<value> [^\s"'`|\x01]{1,100} )""",
    _FLAGS,
)
_ABBREVIATIONS = tuple(
    f"{name}{space}{sign}" for name in ("p", "pw", "pwd", "pass") for space in ("", " ")
    for sign in ":="
)  # fmt: skip
_PGPASS = re.compile(
    r"""(?m: ^ ) [\w.*-]{1,100} : (?:\d{2,5}|\*) : [\w*-]{1,60} : [\w*.-]{1,60}
        : (?P<value> [^\s:]{1,100} ) (?m: $ )""",
    re.VERBOSE,
)
_COLONS_OF_PGPASS = 4
_CREDENTIALS = r"""
    (?:basic[ ]|http[ ])?auth
    | creds? | credentials? | (?:log|sign)-?(?:in|on)s?
    | (?:log(?:ged)?|sign(?:ed)?)[ -]?(?:in|on)[ ](?:with|as) | sign[ ]in[ ]details | zugangsdaten
    | anmeldedaten | identifiants | credenciales | credenciais | credenziali | inloggegevens
    | poświadczenia | 账号密码 | 帳號密碼 | 账号/密码 | учетные[ ]данные | учётные[ ]данные
    | ログイン情報 | логин | логин/пароль | גישה | u/p | un/pw
    | (?: user(?:[ ]?name)? | login | id | e-?mail | usuario | benutzer(?:name)? | utilisateur )
      [ ]? [/&+,|:] [ ]? (?: pass(?:word|wd)? | pwd? | passwort | contraseña | mot[ ]de[ ]passe )
"""
_PAIR = re.compile(
    rf"""\b (?: {_CREDENTIALS} ) (?: [ ] [^\s:=|]{{1,30}} ){{0,5}}? [*_"'`\x01)]{{0,4}}
        [ ]? (?: :=? | = | [ ] (?:is|are|sind|sont|son) [ ] | -[ ] | [ ] | → )
        [ \n*_"'`(\x01]{{0,6}}
        (?P<user> [^\s:/|,"'`=\x01]{{1,60}} ) ["'`*_\x01]{{0,3}}
        (?: [ ]? (?P<mark> [:/|] ) [ ]? | ,? [ ] (?:and|und|et|y|e|with|-) [ ] | ,? [ ] )
        ["'`*_\x01]{{0,4}} (?= (?: (?! \]\( ) \S ){{0,99}} [\d!\#$%^&*+?~=@] )
        (?P<value> (?: (?! \]\( ) [^\s"'`|\x01] ){{1,100}} )""",
    _FLAGS,
)
_PAIR_WORDS = (
    "cred", "auth", "zugang", "anmelde", "identifiants", "inlog", "poświadczenia", "账号", "帳號",
    "учетные", "учётные", "логин", "ログイン", "גישה", "u/p", "un/pw",
    *(f"{verb}{joint}{word}" for verb in ("log", "logged", "sign", "signed")
      for joint in ("", " ", "-") for word in ("in", "on")),
    *(f"{sign}{space}{word}" for sign in "/&+,|:" for space in ("", " ")
      for word in ("pass", "pw", "contraseña", "mot de passe")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a secret down that names it by its place.

    Attributes:
        words: Sets of words in lower case. A text that does not have all words of one of them is
            not searched, which is most texts.
        expression: What is searched for. It has to match in several texts joined by line breaks if
            it matches in one of them: so nothing in it may ask for the end of a text.
        secret: Returns the secret of a match, if it is one.
        is_possible: A test of a text that has these words, where the expression is slow or the
            secret needs more than stands beside it.
    """

    words: tuple[frozenset[str], ...]
    expression: re.Pattern[str]
    secret: Callable[[re.Match[str]], Secret | None]
    is_possible: Callable[[str], bool] = lambda _: True


def secrets_of_forms(text: str, forms: Iterable[Form]) -> Iterator[Secret]:
    """Yield the secrets whose place in a command, a link, a header or a file names them.

    Args:
        text: As `read_text` shows it.
        forms: Which to look for.
    """
    for form in _possible(text, forms):
        yield from filter(None, map(form.secret, form.expression.finditer(text)))


def forms_in(text: str) -> tuple[Form, ...]:
    """Return the forms that stand in a text, or in texts joined by line breaks, secret or not.

    Args:
        text: As `read_text` shows it.
    """
    return tuple(form for form in _possible(text, FORMS) if form.expression.search(text))


def _possible(text: str, forms: Iterable[Form]) -> Iterator[Form]:
    """Yield the forms that a text has the words of."""
    words = _WORDS.standing_in(text)
    for form in forms:
        if any(map(words.issuperset, form.words)) and form.is_possible(text):
            yield form


def _option(match: re.Match[str]) -> Secret | None:
    start, end, value, quote = value_of(match, is_setting=True)
    if _is_placeholder(match[quote], value) or (quote == "bare" and is_code(value)):
        return None
    if match["name"].lower().startswith("p"):
        is_password = value[:1] != "-" and " " not in value
        return Secret(start, end, "password") if is_password else None
    return Secret(start, end, "token") if is_random(value) else None


def _authorization(match: re.Match[str]) -> Secret | None:
    value = match["value"]
    if is_placeholder(value) or not (match["scheme"] or is_mixed(value)):
        return None
    return Secret(*match.span("value"), "authorization")


def _password(match: re.Match[str]) -> Secret | None:
    """Return the group `value` or `other_value` unless it is a placeholder."""
    group = match.lastgroup or "value"
    return None if is_placeholder(match[group]) else Secret(*match.span(group), "password")


def _strong_password(match: re.Match[str]) -> Secret | None:
    """Return the same unless it may be a word."""
    return _password(match) if is_strong(match[match.lastgroup or "value"]) else None


def _password_of_option(match: re.Match[str]) -> Secret | None:
    start, end, value, quote = value_of(match, is_setting=False)
    if _is_placeholder(match[quote], value) or not is_mixed(value) or is_code(value):
        return None
    return Secret(start, end, "password")


def _behind(is_expected: Callable[[str], bool]) -> Callable[[re.Match[str]], Secret | None]:
    """Return what takes the value behind the name of an account: `root / x`, `u: ann p: x`."""

    def secret(match: re.Match[str]) -> Secret | None:
        value = match["value"].rstrip(TRAILING)
        if not is_expected(value) or is_placeholder(value) or is_code(value):
            return None
        start = match.start("value")
        return Secret(start, start + len(value), "password")

    return secret


def _second_of_pair(match: re.Match[str]) -> Secret | None:
    value = match["value"].rstrip(TRAILING)
    is_expected = is_strong if match["mark"] else is_very_strong
    if _is_placeholder(match["value"], value) or not is_expected(value) or is_code(value):
        return None
    start = match.start("value")
    return Secret(start, start + len(value), "password")


def _is_placeholder(whole: str, value: str) -> bool:
    return is_placeholder(whole) or is_placeholder(value)


def _any_of(*words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset((word,)) for word in words)


def _with_any_of(word: str, *others: str) -> tuple[frozenset[str], ...]:
    """Return that a text needs a word and any of the others."""
    return tuple(frozenset((word, other)) for other in others)


def _has_option_of_command(text: str) -> bool:
    return bool(_MAY_BE_U_OPTION.search(text) and _U_COMMAND.search(text))


def _has_line_of_pgpass(text: str) -> bool:
    return text.count(":") >= _COLONS_OF_PGPASS and any(
        line.count(":") >= _COLONS_OF_PGPASS for line in text.split("\n")
    )


FORMS = (
    Form(_any_of("--"), _OPTION, _option),
    Form(_any_of("authorization", "bearer"), _AUTHORIZATION, _authorization),
    Form(_with_any_of("@", "://"), _LOGIN_IN_LINK, _password),
    Form(_any_of("@tcp(", "@udp(", "@unix("), _LOGIN_OF_DRIVER, _password),
    Form(_with_any_of("@", "oracle:thin:", "sqlplus "), _LOGIN_OF_ORACLE, _password),
    Form(_with_any_of("-", *_P_COMMANDS), _P_OPTION, _password_of_option),
    Form(_with_any_of("-", *_U_COMMANDS), _U_OPTION, _password, is_possible=_has_option_of_command),
    Form(_with_any_of("password", "login"), _NETRC, _password),
    Form(_with_any_of("'", "password", "identified"), _SQL, _password),
    Form(_with_any_of("|", "echo"), _PIPED, _password),
    Form(_any_of("akia", "asia"), _AWS_PAIR, _password),
    Form(_any_of("/p:", "/pass:", "/password:", "net us"), _WINDOWS, _strong_password),
    Form(_any_of("htpasswd"), _HTPASSWD, _password),
    Form(_with_any_of("@", "ftp ", "scp ", "smb ", "rsync "), _COPIED, _password),
    Form(_any_of("openssl", "ldap"), _K_OPTION, _password_of_option),
    Form(_any_of("requirepass", "masterauth"), _REDIS, _password),
    Form(_any_of("auth "), _REDIS_AUTH, _strong_password),
    Form(_any_of(":"), _PGPASS, _password, is_possible=_has_line_of_pgpass),
    Form(_any_of(*_ACCOUNT_WORDS), _ACCOUNT, _behind(is_very_strong)),
    Form(_any_of(*_ABBREVIATIONS), _ABBREVIATED, _behind(is_strong)),
    Form(_any_of(*_PAIR_WORDS), _PAIR, _second_of_pair),
)
"""All of them; where two find the same secret, the earlier one names it."""

_WORDS = Words(word for form in FORMS for words in form.words for word in words)
