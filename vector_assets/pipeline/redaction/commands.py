"""Finds secrets in commands, links, headers and files of settings, where a form names them."""

import re
from collections.abc import Iterator

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
_U_OPTION = re.compile(
    r"""(?: \s | ^ ) (?: -[a-zA-Z]{0,6}u[ ]{0,2} | --(?:proxy-)?user[ =]{1,2} | --auth[ =] | -a[ ] )
        ["']? [^\s:"'`|/\\<>$]{0,60} : (?!//) (?P<value> [^\s"'`|]{1,100} )""",
    re.VERBOSE,
)
_U_COMMAND = re.compile(r"\b(?:curl|wget|http|https|xh|ab|wrk|hey)\b", re.IGNORECASE)

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
        (?P<value> [^\s/:|"'`<>=?&.\x01]{6,60} ) (?! [/:=|<] | \.\w )""",
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
_PGPASS = re.compile(
    r"""(?m: ^ ) [\w.*-]{1,100} : (?:\d{2,5}|\*) : [\w*-]{1,60} : [\w*.-]{1,60}
        : (?P<value> [^\s:]{1,100} ) (?m: $ )""",
    re.VERBOSE,
)
_COLONS_OF_PGPASS = 4
_CREDENTIALS = r"""
    (?:basic[ ]|http[ ])?auth
    | creds? | credentials? | log-?ins? | log(?:ged)?[ -]?in[ ](?:with|as) | zugangsdaten
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
        ["'`*_\x01]{{0,4}} (?= \S{{0,99}} [\d!\#$%^&*+?~=@] )
        (?P<value> [^\s"'`|\x01]{{1,100}} )""",
    _FLAGS,
)
_PAIR_WORDS = (
    "cred", "auth", "login", "log in", "logged in", "/pass", "/ pass", "/pw", "& pass", "|pass",
    ":pass",
    "zugang", "anmelde", "identifiants", "inlog", "poświadczenia", "账号", "帳號", "учетные",
    "учётные", "логин", "ログイン", "contraseña", "גישה", "u/p", "un/pw",
)  # fmt: skip


def secrets_of_forms(text: str) -> Iterator[Secret]:
    """Yield the secrets whose place in a command, a link, a header or a file names them.

    Args:
        text: As `read_text` shows it.
    """
    # Each expression is tried only where a text contains what it needs, which is rare.
    lowered = text.lower()
    if "--" in text:
        yield from _options(text)
    if "authorization" in lowered or "bearer" in lowered:
        for match in _AUTHORIZATION.finditer(text):
            value = match["value"]
            if not is_placeholder(value) and (match["scheme"] or is_mixed(value)):
                yield Secret(*match.span("value"), "authorization")
    if "@" in text:
        yield from _logins(text)
    yield from _commands(text, lowered)
    if any(map(lowered.__contains__, _PAIR_WORDS)):
        yield from _pairs(text)


def _options(text: str) -> Iterator[Secret]:
    for match in _OPTION.finditer(text):
        start, end, value, quote = value_of(match, is_setting=True)
        if _is_placeholder(match[quote], value) or (quote == "bare" and is_code(value)):
            continue
        if match["name"].lower().startswith("p"):
            if value[:1] != "-" and " " not in value:
                yield Secret(start, end, "password")
        elif is_random(value):
            yield Secret(start, end, "token")


def _logins(text: str) -> Iterator[Secret]:
    if "://" in text:
        yield from _values(_LOGIN_IN_LINK, text)
    if any(sign in text for sign in ("@tcp(", "@udp(", "@unix(")):
        yield from _values(_LOGIN_OF_DRIVER, text)
    if "oracle:thin:" in text or "sqlplus " in text:
        yield from _values(_LOGIN_OF_ORACLE, text)


def _commands(text: str, lowered: str) -> Iterator[Secret]:
    if " -" in text:
        for match in _P_OPTION.finditer(text):
            start, end, value, quote = value_of(match, is_setting=False)
            if not _is_placeholder(match[quote], value) and is_mixed(value) and not is_code(value):
                yield Secret(start, end, "password")
        if _U_COMMAND.search(text):
            yield from _values(_U_OPTION, text)
    if "password" in lowered and "login" in lowered:
        yield from _values(_NETRC, text)
    if "'" in text and ("password" in lowered or "identified" in lowered):
        yield from _values(_SQL, text)
    if "echo" in lowered and "|" in text:
        yield from _values(_PIPED, text)
    if "AKIA" in text or "ASIA" in text:
        yield from _values(_AWS_PAIR, text)
    if "net us" in lowered or "/p" in lowered:
        yield from _values(_WINDOWS, text, are_strong=True)
    if "htpasswd" in text:
        yield from _values(_HTPASSWD, text)
    if "@" in text:
        yield from _values(_COPIED, text)
    if "openssl" in text or "ldap" in text:
        for match in _K_OPTION.finditer(text):
            start, end, value, quote = value_of(match, is_setting=False)
            if not _is_placeholder(match[quote], value) and is_mixed(value) and not is_code(value):
                yield Secret(start, end, "password")
    if "requirepass" in text or "masterauth" in text:
        yield from _values(_REDIS, text)
    if "AUTH " in text:
        yield from _values(_REDIS_AUTH, text, are_strong=True)
    if text.count(":") >= _COLONS_OF_PGPASS:
        yield from _values(_PGPASS, text)
    yield from _accounts(text, lowered)


def _accounts(text: str, lowered: str) -> Iterator[Secret]:
    """Yield what stands behind the name of an account: `root / value`, `u: ann p: value`."""
    has_account = any(word in lowered for word in _ACCOUNT_WORDS)
    for expression, is_expected in (
        *([(_ACCOUNT, is_very_strong)] if has_account else []),
        (_ABBREVIATED, is_strong),
    ):
        for match in expression.finditer(text):
            value = match["value"].rstrip(TRAILING)
            if is_expected(value) and not is_placeholder(value) and not is_code(value):
                start = match.start("value")
                yield Secret(start, start + len(value), "password")


def _values(
    expression: re.Pattern[str], text: str, *, are_strong: bool = False
) -> Iterator[Secret]:
    """Yield the groups `value` and `other_value` of an expression unless they are placeholders.

    Args:
        expression: Has one group or the other in each match.
        text: To search.
        are_strong: Whether to leave out what may be a word.
    """
    for match in expression.finditer(text):
        group = match.lastgroup or "value"
        if not is_placeholder(match[group]) and (not are_strong or is_strong(match[group])):
            yield Secret(*match.span(group), "password")


def _pairs(text: str) -> Iterator[Secret]:
    """Yield the second half of what a text calls credentials or a login."""
    for match in _PAIR.finditer(text):
        value = match["value"].rstrip(TRAILING)
        is_expected = is_strong if match["mark"] else is_very_strong
        if not _is_placeholder(match["value"], value) and is_expected(value) and not is_code(value):
            start = match.start("value")
            yield Secret(start, start + len(value), "password")


def _is_placeholder(whole: str, value: str) -> bool:
    return is_placeholder(whole) or is_placeholder(value)
