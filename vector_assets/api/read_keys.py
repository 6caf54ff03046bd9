"""The keys that open the routes that read, kept up to date with their file while `serve` runs."""

import hashlib
import logging
import threading
from datetime import date

from vector_assets.core.errors import SettingsError
from vector_assets.core.read_keys import (
    ANY_VIEWER,
    KeyFile,
    MalformedKeyError,
    ReadKey,
    matching_key,
    parse_keys,
    require_distinct,
)
from vector_assets.core.settings import Settings

logger = logging.getLogger(__name__)


class ReadKeys:
    """The keys of `READ_API_KEY`, `READ_KEYS` and `READ_KEYS_FILE`.

    A change of the file counts from the next request on. A file that becomes malformed changes
    nothing, and the log says so; one that is deleted holds no keys.

    Raises:
        SettingsError: At the start, when a line is malformed; names it.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.read_api_key.get_secret_value()
        of_variables = parse_keys(settings.read_keys.get_secret_value(), "READ_KEYS")
        self._shared = (_shared_key(secret),) if secret else ()
        self._of_variable = of_variables
        self._file = KeyFile(settings.read_keys_file) if settings.read_keys_file else None
        self._lock = threading.Lock()
        self._signature = self._file.signature() if self._file else None
        self._keys = self._read()

    def now(self) -> tuple[ReadKey, ...]:
        """Return the keys that are valid now."""
        with self._lock:
            if self._file is not None:
                self._follow(self._file)
            return self._keys

    def match(self, sent: str) -> ReadKey | None:
        """Return the key that was sent; None when it is none of them."""
        return matching_key(self.now(), sent)

    def _follow(self, file: KeyFile) -> None:
        try:
            signature = file.signature()
            if signature == self._signature:
                return
            # Remembered also when it cannot be read, so that the log says so once.
            self._signature = signature
            self._keys = self._read()
        except SettingsError as error:
            logger.warning("the keys read before stay valid: %s", error)
            return
        logger.warning(
            "the keys were read anew: %s holds %d",
            file.path,
            len(self._keys) - len(self._of_variable) - len(self._shared),
        )

    def _read(self) -> tuple[ReadKey, ...]:
        of_file = self._file.read() if self._file else ()
        for key in of_file:
            for other in self._of_variable:
                try:
                    require_distinct(key, other)
                except MalformedKeyError as error:
                    raise SettingsError(
                        f"READ_KEYS and READ_KEYS_FILE: {error}. Remove one of the two lines"
                    ) from None
        return (*self._shared, *self._of_variable, *of_file)


def _shared_key(secret: str) -> ReadKey:
    """Return `READ_API_KEY`, which may name any viewer."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return ReadKey("READ_API_KEY", ANY_VIEWER, digest, date.min)
