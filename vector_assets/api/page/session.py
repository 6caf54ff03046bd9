"""Sessions of browsers: a signed cookie that names a key without holding it, and form tokens.

A session ends when it expires, when somebody signs out, and at the next request after its key was
revoked. The cookie of a browser that has not signed in yet binds the sign-in form to it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from vector_assets.core.read_keys import ReadKey

COOKIE = "vector_assets_session"
LASTS_SECONDS = 12 * 3600

_NONCE_BYTES = 18


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie of a browser says.

    Attributes:
        nonce: Random; identifies the session.
        expires_at: Epoch seconds.
        key_reference: Of the key that was given; empty before sign-in.
        viewer: Whom the key was told to read for; empty for nobody.
    """

    nonce: str
    expires_at: float
    key_reference: str = ""
    viewer: str = ""


class Sessions:
    """Makes and reads sessions.

    Args:
        secret: Signs them; empty for a random one, and then a restart signs everybody out.
        clock: Epoch seconds now.
    """

    def __init__(self, secret: str = "", clock: Callable[[], float] = time.time) -> None:
        self._secret = (secret or secrets.token_urlsafe(32)).encode()
        self._clock = clock
        self._serializer = URLSafeSerializer(
            self._secret,
            salt="vector-assets session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._ended: dict[str, float] = {}

    def begin(self, key: ReadKey | None = None, viewer: str = "") -> Session:
        """Return a new session, of a key or of nobody yet."""
        reference = self._reference(key) if key else ""
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        return Session(nonce, self._clock() + LASTS_SECONDS, reference, viewer)

    def end(self, session: Session) -> None:
        """End a session, so that a copy of its cookie is worth nothing."""
        now = self._clock()
        self._ended = {nonce: until for nonce, until in self._ended.items() if until > now}
        self._ended[session.nonce] = session.expires_at

    def write(self, session: Session) -> str:
        """Return the value of the cookie."""
        fields = [session.nonce, session.expires_at, session.key_reference, session.viewer]
        value = self._serializer.dumps(fields)
        return value if isinstance(value, str) else value.decode()

    def read(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None when it is not ours, has expired or was ended."""
        try:
            session = Session(*self._serializer.loads(cookie))
        except (BadSignature, TypeError):
            return None
        is_over = session.expires_at <= self._clock() or session.nonce in self._ended
        return None if is_over else session

    def key_of(self, session: Session, keys: Sequence[ReadKey]) -> ReadKey | None:
        """Return the key of a session among those that are valid; None when it is not any more."""
        for key in keys:
            if hmac.compare_digest(self._reference(key), session.key_reference):
                return key
        return None

    def form_token(self, session: Session) -> str:
        """Return what a form of this session has to send with it."""
        return self._digest("form", session.nonce)

    def is_form_token(self, session: Session, sent: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(self.form_token(session).encode(), sent.encode())

    def _reference(self, key: ReadKey) -> str:
        return self._digest("key", f"{key.name} {key.sha256}")

    def _digest(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
