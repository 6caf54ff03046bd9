"""Measures how many secrets redaction replaces, and what it replaces in texts of people.

Writes down passwords in every way that is listed here: names in twenty languages, separators,
markup and values of many shapes, combined at random from a seed, and tokens of many vendors, bare
and in sentences. Then redacts a folder of real texts and prints each hit, masked, for a person to
judge. Exits 1 below the targets.

    python benchmarks/redaction.py [../shared/workspace-data] [--seed 1]
"""

import argparse
import random
import string
import sys
from collections import Counter, defaultdict
from pathlib import Path

from raw_words import pieces

from vector_assets.pipeline.redaction.redact import redact

CONTEXTS_COUNT = 2_000
LEAST_RECALL = 0.9
MOST_HITS = 20

NAMES = (
    "password", "Password", "PASSWORD", "passwd", "pwd", "passphrase", "passcode", "root password",
    "db_password", "DB_PASSWORD", "adminPassword", "pass", "pw", "PW", "Passwort", "Kennwort",
    "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "lösenord",
    "adgangskode", "passord", "salasana", "heslo", "şifre", "parola", "пароль", "パスワード",
    "密码",
    "비밀번호", "كلمة المرور", "סיסמה", "รหัสผ่าน", "mật khẩu", "kata sandi", "κωδικός πρόσβασης",
)  # fmt: skip

SEPARATORS = (
    ": ", " : ", "=", " = ", ":", "： ", " -> ", " → ", " => ", ":\u00a0", ":\n", ":\u200b ",
    "\u00a0=\u00a0", " – ", ":  ", ":<br>", "&nbsp;: ", ":&#32;", " (staging): ", " (new) = ",
)  # fmt: skip

SENTENCES = (
    "the {name} is {value}", "the {name} is now {value}.", "{name} was changed to {value}, sorry",
    "I reset the {name} to {value} just now", "the {name} for the staging db is {value}",
    "{name} of the backup user: {value}", "The {name} has been set to {value}.",
    "new {name} is still {value}, ask Bo", "{name} for db2.internal is {value}",
    "use {value} as the {name}", "`{value}` is the {name}", "{name} `{value}` works",
    "user ann, {name}: {value}", "please log in with ann and the {name} {value}",
    "our {name} should be “{value}” everywhere", "{name} is: {value}",
)  # fmt: skip
"""For the English names."""

OTHER_SENTENCES = (
    "Das Passwort ist jetzt {value}", "Das Kennwort für die Datenbank lautet {value}.",
    "Passwort wurde auf {value} geändert", "Le mot de passe est {value}",
    "le mot de passe du serveur est maintenant {value}", "La contraseña es {value}.",
    "la contraseña de la base ahora es {value}", "la clave del servidor es {value}",
    "A senha é {value}", "a senha do banco agora é {value}", "La password è {value}",
    "la password del database è ora {value}", "Het wachtwoord is {value}",
    "het wachtwoord van de database is nu {value}", "Hasło to {value}",
    "hasło do bazy to teraz {value}", "Lösenordet är {value}",
    "lösenordet till databasen är {value}",
    "Passordet er {value}", "Adgangskoden er {value}", "Salasana on {value}", "Heslo je {value}",
    "Пароль: {value}", "Пароль от базы — {value}", "пароль теперь {value}", "Şifre: {value}",
    "パスワードは{value}です。", "パスワードを{value}に変更しました", "密码是{value}。",
    "密码改为{value}",
    "비밀번호는 {value}입니다", "Mật khẩu là {value}", "Kata sandi adalah {value}",
)  # fmt: skip

FORMS = (
    "mysql -u root -p{value} app", "mysqldump -h db -uroot -p{value} app > x.sql",
    "sshpass -p {value} ssh ann@host", "PGPASSWORD={value} psql -h db app",
    "curl -u ann:{value} https://api.example/x", "curl --user 'ann:{value}' https://x.example",
    "https://ann:{value}@git.example/x.git", "postgres://app:{value}@db:5432/app",
    "redis://:{value}@cache:6379/0", "amqp://ann:{value}@mq.example", "creds: ann:{value}",
    "creds: ann / {value}", "credentials are ann/{value}", "login: ann / {value}",
    "user/pass: ann / {value}", "Server=db;User Id=sa;Password={value};Encrypt=true",
    "jdbc:mysql://db/app?user=ann&password={value}&ssl=1", "machine h login ann password {value}",
    "machine h\n  login ann\n  password {value}\n", "export DB_PASS={value}",
    "REDIS_PASSWORD='{value}'", 'environment:\n  - MYSQL_ROOT_PASSWORD={value}',
    '{{"user": "ann", "password": "{value}"}}', "db:\n  user: ann\n  password: {value}\n",
    '- name: DB_PASSWORD\n  value: "{value}"', "<password>{value}</password>",
    '<add key="Password" value="{value}"/>', "IDENTIFIED BY '{value}'", "PASSWORD '{value}'",
    "client secret value: {value}x8Q9rTzK2m4", "echo 'ann:{value}' | chpasswd",
    "docker login -u ann -p {value} registry.example", "| password | {value} |",
    "| **Password** | `{value}` |", "<tr><td>Password</td><td>{value}</td></tr>",
    "<b>Password:</b> <code>{value}</code>", "**Password:** `{value}`", "*password*: *{value}*",
    "Password<br>{value}", "&quot;password&quot;: &quot;{value}&quot;", "pass\u00adword: {value}",
    "Password:\n```\n{value}\n```", "Password\n{value}", "‘password’ = ‘{value}’",
    "password: «{value}»",
    "requirepass {value}", "redis-cli -a {value} ping", "root:{value}@tcp(db:3306)/app",
)  # fmt: skip

VALUES = (
    "word and digits", "mixed case", "with signs", "begins with $", "begins with (",
    "begins with <", "like a placeholder", "random",
)  # fmt: skip

TOKENS = {
    "AWS": "AKIA{U16}", "GitHub": "ghp_{A36}", "GitHub server": "ghs_{A36}",
    "GitHub refresh": "ghr_{A36}", "GitHub fine": "github_pat_{A22}_{A59}", "GitLab": "glpat-{A20}",
    "Slack bot": "xoxb-{D12}-{D12}-{A24}", "Slack user": "xoxp-{D12}-{D12}-{D12}-{H32}",
    "Slack app": "xapp-1-A{U10}-{D13}-{H64}",
    "Slack webhook": "https://hooks.slack.com/services/T{U8}/B{U9}/{A24}",
    "Stripe": "sk_live_{A24}", "Stripe restricted": "rk_live_{A24}", "Stripe hook": "whsec_{A32}",
    "SendGrid": "SG.{A22}.{A43}", "Mailgun": "key-{H32}", "Mailchimp": "{H32}-us12",
    "Twilio": "SK{H32}", "OpenAI": "sk-proj-{A74}T3BlbkFJ{A74}",
    "Anthropic": "sk-ant-api03-{A93}AA",
    "Hugging Face": "hf_{L34}", "npm": "npm_{A36}", "PyPI": "pypi-AgEIcHlwaS5vcmc{A80}",
    "Google": "AIza{A35}", "Google client": "GOCSPX-{A28}", "Google access": "ya29.{A80}",
    "Azure client": "{A3}8Q~{A34}", "Azure storage": "AccountKey={A86}==",
    "DigitalOcean": "dop_v1_{H64}", "Heroku": "HRKU-{A60}", "Linear": "lin_api_{A40}",
    "Notion": "ntn_{D11}{A35}", "Atlassian": "ATATT3xFfGF0{A172}={G8}",
    "Pinecone": "pcsk_{A6}_{A63}",
    "Databricks": "dapi{H32}", "New Relic": "NRAK-{U27}", "Sentry": "sntrys_{A60}",
    "Grafana": "glsa_{A32}_{H8}", "Shopify": "shpat_{H32}", "Square": "sq0csp-{A43}",
    "Telegram": "{D10}:AA{A33}", "Discord": "M{A23}.{A6}.{A27}", "Doppler": "dp.pt.{A43}",
    "PlanetScale": "pscale_tkn_{A43}", "Postman": "PMAK-{H24}-{H34}", "Figma": "figd_{A40}",
    "Airtable": "pat{A14}.{H64}", "Docker": "dckr_pat_{A27}", "RubyGems": "rubygems_{H48}",
    "Supabase": "sbp_{H40}", "Replicate": "r8_{A37}", "Groq": "gsk_{A52}", "Vault": "hvs.{A95}",
    "Terraform": "{A14}.atlasv1.{A67}", "Tailscale": "tskey-auth-{A17}-{A32}",
    "Netlify": "nfp_{A40}",
    "age": "AGE-SECRET-KEY-1{B58}", "Buildkite": "bkua_{H40}", "CircleCI": "CCIPAT_{A22}_{H40}",
    "Dropbox": "sl.{A136}", "Typeform": "tfp_{A44}_{A14}", "Contentful": "CFPAT-{A43}",
    "LangSmith": "lsv2_pt_{H32}_{H10}", "Perplexity": "pplx-{A48}", "xAI": "xai-{A80}",
    "Prefect": "pnu_{A36}", "JWT": "eyJ{A30}.eyJ{A60}.{A43}", "Artifactory": "AKCp{A69}",
    "Cloudflare origin": "v1.0-{H24}-{H146}", "Confluent": "cflt{A60}",
    "Asana": "2/{D16}/{D16}:{H32}",
}  # fmt: skip
"""The letter names an alphabet, the number a length."""

ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "B": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "D": string.digits,
    "G": "0123456789ABCDEF",
    "H": "0123456789abcdef",
    "L": string.ascii_letters,
    "U": string.ascii_uppercase + "234567",
}
PLACES = (
    "{}",
    "Use {} for now.",
    "`{}`",
    "| a | {} |",
    "token={}",
    "<b>{}</b>",
    "the key\u00a0{}",
    "({})",
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20, help="How many that were missed to print.")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    recall = passwords(chance, options.show)
    missed_tokens = tokens(chance)
    hits = workspace(options.workspace) if options.workspace else 0
    if recall < LEAST_RECALL or missed_tokens or hits > MOST_HITS:
        sys.exit(1)


def passwords(chance: random.Random, show: int) -> float:
    """Print how many passwords are replaced, by the way they are written; return the share."""
    asked: Counter[str] = Counter()
    missed: defaultdict[str, list[str]] = defaultdict(list)
    for _ in range(CONTEXTS_COUNT):
        shape = chance.choice(VALUES)
        value = password(chance, shape)
        kind, text = context(chance, value)
        text = chance.choice(("{}", "Hi all. {}", "- {}\n- next", "> {}")).replace("{}", text)
        for group in (kind, f"a value: {shape}"):
            asked[group] += 1
            if value in redact(text).text:
                missed[group].append(text)
    for group, count in sorted(asked.items()):
        print(f"{group}: {count - len(missed[group])} of {count} replaced")
    texts = [
        text for group, group_texts in missed.items() if ":" not in group for text in group_texts
    ]
    for text in texts[:show]:
        print(f"  missed: {text!r}")
    print(f"passwords: {CONTEXTS_COUNT - len(texts)} of {CONTEXTS_COUNT} replaced")
    return 1 - len(texts) / CONTEXTS_COUNT


def password(chance: random.Random, shape: str) -> str:
    """Return a made-up password."""
    word = chance.choice(("hunter", "winter", "Sommer", "dragon", "falcon", "Marina", "orchid"))
    digits = "".join(chance.choices(string.digits, k=chance.randint(2, 4)))
    sign = chance.choice("!#$%^+?@")
    mixed = f"{word.title()}{sign}{digits}{chance.choice(string.ascii_lowercase)}"
    return {
        "word and digits": word + digits,
        "mixed case": word[:3].upper() + word[3:] + digits + "Xq",
        "with signs": mixed,
        "begins with $": "$" + mixed.replace(sign, "9"),
        "begins with (": "(" + mixed,
        "begins with <": "<" + mixed.replace(sign, "9"),
        "like a placeholder": chance.choice(
            (f"mypassword{digits}", f"Password{digits}{sign}x", f"your{sign}{word}{digits}",
             f"xxx{mixed}", f"example{sign}{digits}Kd", f"changeme{digits}{sign}q")
        ),
        "random": "".join(chance.choices(ALPHABETS["A"], k=11)) + "7k",
    }[shape]  # fmt: skip


def context(chance: random.Random, value: str) -> tuple[str, str]:
    """Return the kind of a way to write a password down, and a text that does so."""
    kind = chance.choice(("name and separator", "sentence", "sentence elsewhere", "form"))
    if kind == "name and separator":
        return kind, chance.choice(NAMES) + chance.choice(SEPARATORS) + value
    if kind == "sentence":
        return kind, chance.choice(SENTENCES).format(name=chance.choice(NAMES[:7]), value=value)
    template = chance.choice(OTHER_SENTENCES if kind == "sentence elsewhere" else FORMS)
    return kind, template.format(value=value)


def tokens(chance: random.Random) -> int:
    """Print which tokens are not replaced everywhere; return how many."""
    missed = 0
    for vendor, form in TOKENS.items():
        token = filled(chance, form)
        left = [place for place in PLACES if token in redact(place.replace("{}", token)).text]
        missed += bool(left)
        if left:
            print(f"  missed: {vendor} in {left}")
    print(f"tokens: {len(TOKENS) - missed} of {len(TOKENS)} replaced")
    return missed


def filled(chance: random.Random, form: str) -> str:
    """Return a token of a form."""
    return "".join(
        "".join(chance.choices(ALPHABETS[field[0]], k=int(field[1:]))) if field else literal
        for part in form.replace("{", "\0{").replace("}", "}\0").split("\0")
        for literal, field in [(part, part[1:-1] if part.startswith("{") else "")]
    )


def workspace(folder: Path) -> int:
    """Print what is replaced in the texts of a folder; return how many hits."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for source_pieces in pieces(folder).values():
        for document_id, _, text in source_pieces:
            texts[document_id].append(text)
    hits = characters = 0
    for document_id, parts in texts.items():
        text = "\n".join(parts)
        characters += len(text)
        clean = redact(text)
        for line in clean.text.splitlines() if clean.count else ():
            if "[redacted: " in line:
                hits += line.count("[redacted: ")
                at = line.index("[redacted: ")
                print(f"  {document_id}: …{line[max(0, at - 60) : at + 40]}…")
    print(f"real texts: {hits} hits in {characters:,} characters")
    return hits


if __name__ == "__main__":
    main()
