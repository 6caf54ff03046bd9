"""The names of secrets, and the words between a name and its value."""

import re
from dataclasses import dataclass

_ENGLISH = ("password", "passwd", "passphrase", "passcode", "pwd", "_pass")
_OTHER_LANGUAGES = (
    "passwort", "kennwort", "losungswort", "contraseña", "contrasena", "contrasenya", "contrasinal",
    "mot de passe", "mots de passe", "mdp", "wachtwoord", "lösenord", "losenord", "adgangskode",
    "kodeord", "passord", "lykilorð", "salasana", "salasanan", "parool", "hasło", "haslo", "hasła",
    "hasłem", "hasła", "heslo", "hesla", "heslem", "jelszó", "jelszav", "şifre", "sifre", "parola",
    "parolă", "lozinka", "lozinku", "slaptažod", "geslo", "parole d'ordine", "parole d’ordine",
    "codice di accesso", "palavra-passe", "palavra passe", "código de acesso", "kata sandi",
    "kata laluan", "nenosiri", "пароль", "пароля", "паролем", "паролю", "пароле", "парола",
    "лозинка", "κωδικός πρόσβασης", "κωδικός", "συνθηματικό", "密码", "密碼", "口令", "暗号",
    "パスワード", "ﾊﾟｽﾜｰﾄﾞ", "パスコード", "パスフレーズ", "暗証番号", "비밀번호", "패스워드", "암호",
    "סיסמה", "סיסמא", "كلمة المرور", "كلمة السر", "كلمه السر", "كلمة مرور", "رمز عبور", "گذرواژه",
    "mật khẩu", "รหัสผ่าน", "รหัส", "पासवर्ड", "পাসওয়ার্ড", "கடவுச்சொல்", "పాస్వర్డ్", "ಪಾಸ್ವರ್ಡ್",
    "പാസ്വേഡ്", "પાસવર્ડ", "ਪਾਸਵਰਡ", "මුරපදය", "ពាក្យសម្ងាត់", "ລະຫັດຜ່ານ", "စကားဝှက်",
    "የይለፍ ቃል", "პაროლი", "գաղտնաբառ", "құпия сөз", "нууц үг", "şifrə", "پاس ورڈ", "비번",
    "zaporka", "zaporku", "wagwoord", "nywila", "pasahitza", "parolė", "salasõna", "fjalëkalim",
    "pasfhocal", "cyfrinair", "tunnussana",
)  # fmt: skip
_SHORT = ("pass", "pw", "psw", "pswd", "pword", "pass-word", "pass word", "dbpass", "dbpassw",
    "mypass", "userpass", "rootpass", "adminpass", "ftppass", "smtppass", "mailpass", "pgpass",
    "sshpass", "requirepass", "masterauth", "redis_auth", "rediscli_auth", "senha", "clave",
    "sandi", "пасс", "гасло", "code d'accès", "pin", "pin code", "pincode",
    "pass phrase", "wifi key", "wlan key",
    "zugangscode", "passw", "passwrd", "pasword", "passowrd", "passwrod", "pssword", "psswd",
    "paswd", "p@ssword", "p@ss", "p/w", "p.w", "storepass", "keypass", "srcstorepass",
    "deststorepass", "psk", "pre-shared key", "preshared key", "wpa key", "wpa2 key", "wpa3 key",
    "community string", "snmp community", "access code", "door code", "unlock code", "parol",
    "lösen", "mk",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A word that announces a secret.

    Attributes:
        word: In lower case.
        kind: What it announces, for a person.
        is_whole: Whether it stands alone; others are parts of names, as in `DB_PASSWORD`.
    """

    word: str
    kind: str
    is_whole: bool = False

    @property
    def is_english(self) -> bool:
        """Tell whether the words of other languages do not follow it."""
        return self.is_whole or self.word in _ENGLISH or self.kind != "password"


NAMES = (
    *(Name(word, "password") for word in (*_ENGLISH, *dict.fromkeys(_OTHER_LANGUAGES))),
    *(Name(word, "password", is_whole=True) for word in _SHORT),
    *(Name(word, word) for word in ("secret", "key", "token")),
)

BEFORE_KEY = re.compile(
    r"(?:api|access|private|auth|account|service|client|signing|encryption|secret|consumer|shared|"
    r"license|licence|master|admin|deploy|subscription|storage|session|app|hmac|jwt|ssh|webhook|bot|"
    r"integration|write|functions?|root|crypto|decryption|server|deepgram|cohere|mistral|assemblyai|"
    r"datadog|algolia|elevenlabs|wandb|openai|anthropic|claude|gemini|mapbox|segment|mixpanel|"
    r"amplitude|honeycomb|sendgrid|mailgun|pinecone|qdrant|weaviate|fireflies|serpapi|deepseek)"
    r"[_ -]?$",
    re.IGNORECASE,
)
"""Words that make a `key` a secret; issues, rows and keyboards have keys too."""

IN_OTHER_LANGUAGES = (
    "ist", "lautet", "est", "es", "é", "è", "är", "er", "jest", "je", "on", "este", "είναι", "là",
    "to", "brzmi", "a", "e", "ni", "adalah", "ialah", "is", "nu", "jetzt", "neu",
)  # fmt: skip
"""`is` as it directly follows a word of that language."""

FOREIGN_IS = ("on", "a", "e", "to", "er", "je", "nu", "ni")
"""Those of `IN_OTHER_LANGUAGES` that mean something else behind an English name."""

JOINING = (
    "is", "are", "was", "be", "now", "to", "as", "equals", "ist", "war", "lautet", "auf", "jetzt",
    "est", "maintenant", "es", "será", "ahora", "é", "agora", "para", "è", "ora", "nu", "naar",
    "jest", "brzmi", "teraz", "na", "är", "till", "er", "til", "nyní", "este", "acum", "είναι",
    "это", "теперь", "стал", "на", "là", "adalah", "sono", "sind", "with", "using",
    "still", "currently", "again", "temporarily", "just", "simply",
)  # fmt: skip
"""What joins a name to its value a few words later."""

WITHOUT_SPACES = "は|が|を|是|为|為|成|는|은|가|를|을|คือ|เป็น|है|：|היא|הוא|هي|هو"
"""What joins them in scripts where it is part of the word."""
