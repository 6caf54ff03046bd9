"""Passwords in the many ways in which people and files write them down, and what only looks so."""

import pytest

from vector_assets.pipeline.redaction.names import NAMES as ALL_NAMES
from vector_assets.pipeline.redaction.redact import redact, redact_texts
from vector_assets.pipeline.redaction.tables import secrets_of_tables

NAMES = (
    "password", "Passwd", "PWD", "passphrase", "pass", "pw", "db_password", "adminPassword",
    "Kennwort", "Passwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło",
    "lösenord", "adgangskode", "heslo", "salasana", "şifre", "пароль", "パスワード", "密码",
    "비밀번호",
    "كلمة المرور", "סיסמה", "รหัสผ่าน", "mật khẩu", "kata sandi",
)  # fmt: skip

SEPARATORS = {
    "a colon": ": ", "a colon alone": ":", "equals": "=", "equals with spaces": " = ",
    "a full-width colon": "：", "an arrow": " -> ", "another arrow": " → ", "a fat arrow": " => ",
    "a no-break space": ":\u00a0", "a narrow one before": "\u202f: ", "no width": ":\u200b ",
    "a new line": ":\n", "a tag": ":<br>", "an empty tag": ":<br/>", "an entity": "&nbsp;: ",
    "an entity for the colon": "&#58; ", "brackets": " (staging): ", "a closing tag": ":</b> ",
    "bold marks": ":** ", "a code block": ":\n```\n",
}  # fmt: skip

VALUES = (
    "Tulip4821", "tulip#48", "$Tulip4821x", "(Tulip48!x", "<Tulip48x", "your#Tulip48",
    "xxxTulip48!q",
    "mypassword4821", "Password48#", "7fK2pQ9xLm3",
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_a_password_gives_way_behind_every_name_and_separator(separator: str, value: str) -> None:
    for name in NAMES:
        found = redact(f"Hello. {name}{separator}{value}\nBye.")
        assert value not in found.text
        assert found.text == f"Hello. {name}{separator}[redacted: password]\nBye."


SENTENCES = (
    "The password for the staging db is {}.", "the password is now {}, tell Bo",
    "I changed the password to {} today", "the pwd has been reset to {}",
    "the new root password is still {}", "password of the backup user: {}",
    "password for db2.internal = {}", "use {} as the password", "`{}` is the new password",
    "password `{}` works", "passwort wurde auf {} geändert",
    "Das Kennwort für den Server lautet {}.",
    "le mot de passe du serveur est {}", "le mot de passe est maintenant {}",
    "la contraseña de la base es {}", "la contraseña ahora es {}", "a senha do servidor é {}",
    "La password del server è {}", "Het wachtwoord van de server is {}", "hasło do bazy to {}",
    "lösenordet till servern är {}", "Salasana on {}", "Heslo je {}", "Passordet er {}",
    "Пароль от базы — {}", "пароль теперь {}", "パスワードは{}です。",
    "パスワードを{}に変更しました",
    "密码是{}。", "密码改为{}", "비밀번호는 {}입니다", "Mật khẩu là {}", "Kata sandi adalah {}",
)  # fmt: skip

FORMS = (
    "net use Z: \\\\srv\\share /user:ann {}", "xfreerdp /u:ann /p:{} /v:h", "htpasswd -b f ann {}",
    "sftp ann:{}@files.example", "basic auth: ann / {}", "Login data: ann / {}", "password%3D{}",
    "The admin password has been reset. New one: {}", "the password's {}",
    "mysql -u root -p{} app", "mysqldump -uroot -p{} app > app.sql", "sshpass -p {} ssh ann@host",
    "PGPASSWORD={} psql -h db", "curl -u ann:{} https://x.example",
    "curl --user 'ann:{}' x.example",
    "docker login -u ann -p {} r.example", "redis-cli -a {} ping", "requirepass {}",
    "echo 'ann:{}' | chpasswd", "creds: ann:{}", "creds: ann / {}", "credentials are ann/{}",
    "user/pass: ann / {}", "login: ann / {}", "machine h.example login ann password {}",
    "machine h.example\n  login ann\n  password {}\n", "db.example:5432:app:ann:{}",
    "Server=db;User Id=sa;Password={};Encrypt=true", "jdbc:mysql://db/a?user=b&password={}&ssl=1",
    "https://ann:{}@git.example/x", "root:{}@tcp(db:3306)/app", "jdbc:oracle:thin:ann/{}@db:1521:x",
    '{"user": "ann", "password": "{}"}', '{"name": "DB_PASSWORD", "value": "{}"}',
    "- name: DB_PASSWORD\n  value: {}", "db:\n  user: ann\n  password: {}\n", "export DB_PASS={}",
    '<add key="Password" value="{}"/>', "IDENTIFIED BY '{}'", "ALTER USER a WITH PASSWORD '{}'",
    "<b>Password</b>: <code>{}</code>", "<tr><td>Password</td><td>{}</td></tr>",
    "| user | ann |\n| **password** | `{}` |", "&quot;password&quot;: &quot;{}&quot;",
    "pass\u00adword: {}", "p\u200bass\u200bword: {}", "password – {}", "password: “{}”",
    "password = ‘{}’", "password: «{}»", "Password\n{}", "contrasen\u0303a: {}",
    '<a href="https://ann:{}@git.example/">git</a>',
    "grafana admin / {}", "idrac: root / {}", "RDP: administrator / {}", "log in as admin:{} here",
    "log-in: ann / {}", "sign-in: ann / {}", "Sign in details: ann / {}", "logon: ann / {}",
    "signed in with ann / {}", "user &pass: ann / {}", "user / pw: ann / {}",
    "wifi: Guest / {}", "u: ann p: {}", "u=ann, p={}", "u/p: ann/{}", "גישה: ann / {}",
    "p/w: {}", "P/W {}", "pasword: {}", "passwrd = {}", "p@ssword: {}", "psk: {}",
    "WPA2 key: {}", "pre-shared key: {}", "keytool -list -storepass {} -keystore k.jks",
    "openssl enc -aes-256-cbc -k {} -in f", "ldapsearch -x -w{} -b dc=acme", "AUTH {}",
    "127.0.0.1:6379> AUTH {}", "masterauth {}", "snmp community: {}", "password 👉 {}",
    "db password [staging] {}", "비번: {}", "비번은 {}", "zaporka: {}", "pasahitza: {}",
    "parolė: {}", "fjalëkalim: {}", "пароль: {}", "გამოიყენე პაროლი: {}", "ពាក្យសម្ងាត់: {}",
    "లో పాస్‌వర్డ్: {}",
)  # fmt: skip


@pytest.mark.parametrize("value", ["Tulip#4821", "tulip48213x"])
@pytest.mark.parametrize("text", [*SENTENCES, *FORMS])
def test_a_password_gives_way_in_sentences_commands_and_files(text: str, value: str) -> None:
    found = redact(text.replace("{}", value))
    assert found.text == text.replace("{}", "[redacted: password]")
    assert found.count == 1


@pytest.mark.parametrize("value", ["Tulip#48&21", "Tulip,48#21", "a,b&c#4821", "Tulip#48&"])
@pytest.mark.parametrize(
    "text",
    [
        "PGPASSWORD={}", "app --password {} --verbose", "Server=db;Uid=sa;Pwd={};Encrypt=true",
        "jdbc:mysql://db/a?user=b&password={}&ssl=1", "user=b,password={},ssl=1",
    ],
)  # fmt: skip
def test_it_gives_way_whole_though_it_has_the_signs_that_part_settings(
    text: str, value: str
) -> None:
    assert redact(text.replace("{}", value)).text == text.replace("{}", "[redacted: password]")


@pytest.mark.parametrize("text", [*SENTENCES, *FORMS])
def test_it_gives_way_beside_other_texts_of_its_document(text: str) -> None:
    text = text.replace("{}", "Tulip#4821")
    beside = ("Hello all", "see https://a.example/p/1", "Ann Lee, 2026-11-29 22:06", "")
    for texts in ((text, *beside), (*beside, text), (*beside[:2], text, *beside[2:])):
        assert redact_texts(texts)[text] == redact(text)
        assert redact_texts(texts)[text].count == 1


COLUMNS = (
    "| user | password |\n| --- | --- |\n| ann | {} |\n| bo | {} |",
    "| Host | DB password | Note |\n|:--|--:|---|\n| db1 | `{}` | old |\n|db2|{}|",
    "Host | **Passwort** \n--- | ---\ndb1 | {}\ndb2 | **{}**",
    "| Team | Password (staging) |\n| Axolotl | {} |\n| Badger | {} |",
    "||User||Password||\n|ann|{}|\n|bo|{}|",
    "before\n\n| パスワード | 用途 |\n| --- | --- |\n| {} | DB |\n| {} | API |\n\nafter",
)


def test_a_column_gives_way_below_every_head_that_is_recognized() -> None:
    passwords = {name.word for name in ALL_NAMES if name.kind == "password"}
    # These head columns of other things.
    passwords -= {"pass", "_pass", "pin"}
    recognized = set()
    for name in passwords:
        for head in (name, name.upper(), f"Staging {name}", f"db_{name}", f"**{name}** (old)"):
            text = f"| user | {head} |\n| --- | --- |\n| ann | x |\n| bo | Tulip#4821 |"
            if any(secrets_of_tables(text)):
                recognized.add(head)
                assert "Tulip" not in redact(text).text
                assert "Tulip" not in redact_texts(("Hello", text))[text].text
    assert recognized >= passwords


@pytest.mark.parametrize("value", ["Tulip#4821", "$tulip48213x", "(Tulip#4821"])
@pytest.mark.parametrize("text", COLUMNS)
def test_the_column_of_a_table_that_is_named_so_gives_way(text: str, value: str) -> None:
    clean = redact(text.replace("{}", value))
    assert clean.text == text.replace("{}", "[redacted: password]")
    assert clean.count == 2


@pytest.mark.parametrize(
    "text",
    [
        "| user | password |\n| --- | --- |\n| ann | see 1Password |\n| bo | $DB_PASS1 |",
        "| user | password |\n| --- | --- |\n| ann | ******** |\n\n| x | Tulip#4821 |",
        "| user | team |\n| --- | --- |\n| ann | Tulip#4821 |",
        "| case | pass | fail |\n| --- | --- | --- |\n| login2fa | run4821x | run4822x |",
        "| password policy for new people | days |\n| --- | --- |\n| tulip48213x | 2 |",
        "|\n||\n| | |\n|password|\n",
    ],
)
def test_other_cells_stay(text: str) -> None:
    assert redact(text).text == text


NAMED = (
    ("client secret value: {}", "abC8Q~kd93jdK2lsPq0dkx93", "secret"),
    ("the token for staging is now {}", "9fK2mQ7xLw3pRt5vZb8c", "token"),
    ("aws secret {}", "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzz0KEY12", "secret"),
    ("Ocp-Apim-Subscription-Key: {}", "0f3e5d7c9b1a0f3e5d7c9b1a0f3e5d7c", "API key"),
)


@pytest.mark.parametrize(("text", "value", "kind"), NAMED)
def test_a_named_secret_gives_way(text: str, value: str, kind: str) -> None:
    assert redact(text.replace("{}", value)).text == text.replace("{}", f"[redacted: {kind}]")


@pytest.mark.parametrize(
    "text",
    [
        "password: <password>", "password: <your password here>", "password: your-password",
        "password: ****", "password: ••••••", "password: $PASSWORD", "PGPASSWORD=$DB_PASS psql",
        "password: ${DB_PASSWORD}", "password=$(cat file2)", "password: {{ vault.pw1 }}",
        "password: required", "the password is wrong", "The password for staging is in 1Password.",
        "the password is required for 2FA", "the password must have at least 12 characters",
        "password reset for ann2@example.com", "the password is stored in vault2.example.com",
        "The password was changed on 2026-03-01.", "the password policy changed in v2.1.0",
        "password hashing moved to SHA256", "passwords are base64-encoded", "see HAR-123: password",
        "pass: 3 of 5", "2 pass, 1 fail", "the pass is valid for 30d", "pw: see vault",
        "docker run -p 8080:80 web2", "mysql -u root -p app", "ssh -p 2222 ann@host2",
        "curl -u $USER:$PASS x.example", "curl -u ann:<password> x", "creds: see 1Password",
        "credentials in ~/.aws/credentials", "login to web2 and restart", "user/pass: see the wiki",
        "https://user:$PASSWORD@host/x", "/etc/passwd: 2 lines",
        "[redacted: password] for db2 is old",
        "mot de passe oublié ?", "Passwort vergessen: hier klicken", "パスワードを忘れました",
        "密码错误，请重试", "la contraseña es obligatoria", "hasło jest wymagane",
        "admin/users2 and root/node18 are folders", "root:x:0:0:root:/root:/bin/bash",
        "postgres:14-alpine3", "admin / operator roles", "wifi or lan2 at the desk",
        "RDP / port 3389", "use password node-pool-1", "psk: see the wiki", "u: 3.5 p: 0.05",
        "access code: see Bo", "openssl x509 -in cert2.pem", "AUTH failed for ann2",
        'input type="password" name="user1"', "<label>Password</label><input id='pw1'>",
    ],
)  # fmt: skip
def test_placeholders_variables_and_prose_stay(text: str) -> None:
    assert redact(text).text == text


REFERENCES = (
    "enough](https://t.example/c/r3nUwq1Y/419-automate)", "vault](https://t.example/z?a=1#9)",
    "enough](/pages/9)", "enough](#h-2)", "it](mailto:ann2@mail.example)", "file.py#L12",
    "realtimepayetools-update-v23.xml", "report_2024-05.csv", "PR#123", "acme/tools#123",
    "--level2=debug", "users/42", "admin/users/42", "web2.prod-eu1.example.com",
)  # fmt: skip
"""The end of a link's text with its address, files, issues, options, routes, hosts."""


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize(
    "before",
    [
        "[Signon orgs aren't always synced quickly ", "[Login page fails for ann ",
        "[MySQL credentials fetched from ", "[Log in as admin / ", "you would pass ",
        "the sign-in of ann uses ", "creds for ann in ",
    ],
)  # fmt: skip
def test_what_a_sentence_refers_to_stays(before: str, reference: str) -> None:
    assert redact(f"- {before}{reference} and more.").text == f"- {before}{reference} and more."


@pytest.mark.parametrize("before", ["creds: ann / ", "login: ann ", "password: ", "pwd "])
def test_a_password_in_the_text_of_a_link_gives_way_and_the_address_stays(before: str) -> None:
    text = f"see [{before}Tulip#4821](https://wiki.example/p/9?x=1) here"
    assert redact(text).text == text.replace("Tulip#4821", "[redacted: password]")


def test_a_text_without_secrets_is_the_same_when_it_is_redacted_twice() -> None:
    text = "[Signon fetches the organisations list](https://g.example/a/43380578e39c75c0/f.rb#L9)"
    assert redact(redact(text).text).text == text
