"""Keys to read with, each bound to what it may read; only their SHA-256 is stored.

A file of keys has one JSON object per line, as `KeyFile.add` writes it:

    {"name": "ada-laptop", "binding": "viewer", "viewer": "ada@example.com",
     "groups": [], "created": "2026-11-29", "sha256": "…"}
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.core.errors import ForeignViewerError, SettingsError, UsageError

VIEWER = "viewer"
"""The binding of a key that reads what one person may read."""

ANY_VIEWER = "any-viewer"
"""The binding of a key that may name any viewer; for a program that knows its users."""

PUBLIC_ONLY = "public"
"""The binding of a key that reads public documents only."""

_BINDINGS = (VIEWER, ANY_VIEWER, PUBLIC_ONLY)
_KEY_PREFIX = "va_read_"
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_EMAIL = re.compile(r"[^\s@,]+@[^\s@,]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = frozenset({"name", "binding", "viewer", "groups", "created", "sha256"})
_MAX_WORD_CHARACTERS = 254


class MalformedKeyError(ValueError):
    """What is wrong with the fields of a key; the message does not show them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: an e-mail, empty for nobody in particular, and further readers of `access`."""

    viewer: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadKey:
    """What a key may read.

    Attributes:
        viewer: E-mail in lower case, of the binding `VIEWER` only.
        groups: Further readers that `Document.access` may name, of the binding `VIEWER` only.
        sha256: Of the key, in hexadecimal.
    """

    name: str
    binding: str
    sha256: str
    created: date
    viewer: str = ""
    groups: tuple[str, ...] = ()

    def reader(self, asked_viewer: str) -> Reader:
        """Return in whose name a request reads that names a viewer, or none (empty).

        Raises:
            ForeignViewerError: The key may not speak for this viewer.
        """
        asked = asked_viewer.strip().lower()
        if self.binding == ANY_VIEWER:
            return Reader(asked)
        if asked and asked != self.viewer:
            bound_to = self.viewer or "public documents"
            raise ForeignViewerError(
                f"the key {self.name!r} is bound to {bound_to} and may not read for another "
                f"viewer: leave out `viewer`, or use a key made with "
                f"`vector-assets keys add NAME --any-viewer`"
            )
        return Reader(self.viewer, self.groups)

    def may_know_all(self, asked_viewer: str) -> bool:
        """Tell whether a request is told what no viewer is: why any document is not found.

        A key that may speak for anybody could ask in each name.
        """
        return self.binding == ANY_VIEWER and not asked_viewer.strip()

    def as_line(self) -> str:
        """Return the key's line in a file."""
        fields = {
            "name": self.name,
            "binding": self.binding,
            "viewer": self.viewer,
            "groups": list(self.groups),
            "created": self.created.isoformat(),
            "sha256": self.sha256,
        }
        return json.dumps(fields, ensure_ascii=False)


def new_key(
    name: str, binding: str, created: date, *, viewer: str = "", groups: Sequence[str] = ()
) -> tuple[str, ReadKey]:
    """Return a random key of 256 bits, and what is stored of it.

    Raises:
        UsageError: The name, the viewer or a group is none.
    """
    secret = _KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    try:
        key = _checked(
            name=name,
            binding=binding,
            viewer=viewer.strip().lower(),
            groups=[group.strip().lower() for group in groups],
            created=created.isoformat(),
            sha256=_sha256(secret),
        )
    except MalformedKeyError as error:
        raise UsageError(str(error)) from None
    return secret, key


def matching_key(keys: Sequence[ReadKey], sent: str) -> ReadKey | None:
    """Return the key that was sent, in a time that does not depend on which it is."""
    digest = _sha256(sent)
    matching = None
    for key in keys:
        if hmac.compare_digest(digest, key.sha256):
            matching = key
    return matching if sent else None


def parse_keys(text: str, where: str) -> tuple[ReadKey, ...]:
    """Return the keys of a file or variable, by its lines; empty lines are skipped.

    Raises:
        SettingsError: A line is malformed, or repeats a name or key; names the line, not its text.
    """
    keys: list[ReadKey] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            key = _parsed(line)
            for other in keys:
                require_distinct(key, other)
        except MalformedKeyError as error:
            raise SettingsError(
                f"{where}, line {number}: {error}. Mend or remove the line; "
                f"`vector-assets keys add` writes valid ones"
            ) from None
        keys.append(key)
    return tuple(keys)


def require_distinct(key: ReadKey, other: ReadKey) -> None:
    """Raise `MalformedKeyError` when two keys share a name or are the same key."""
    if key.name == other.name:
        raise MalformedKeyError(f"the name {key.name!r} is given twice")
    if key.sha256 == other.sha256:
        raise MalformedKeyError(f"{key.name!r} and {other.name!r} are the same key")


class KeyFile:
    """A file of keys, which commands of several processes may change at the same time."""

    def __init__(self, path: str) -> None:
        # The file itself, not a link to it, is replaced.
        self.path = Path(path).expanduser().resolve()

    def signature(self) -> tuple[int, ...] | None:
        """Return what changes whenever the file does; None when there is no file."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from None
        return (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)

    def read(self) -> tuple[ReadKey, ...]:
        """Return the keys; none when there is no file.

        Raises:
            SettingsError: The file cannot be read, or a line is malformed.
        """
        try:
            text = self.path.read_bytes().decode()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unreadable(error) from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise SettingsError(f"{self.path}, line {line}: not UTF-8. Mend the line") from None
        return parse_keys(text, str(self.path))

    def add(self, key: ReadKey) -> None:
        """Add a key; refuse a name that is taken."""
        with self._locked():
            keys = self.read()
            if any(other.name == key.name for other in keys):
                raise UsageError(
                    f"{self.path} has a key named {key.name!r}: choose another name, or revoke "
                    f"that key first with `vector-assets keys revoke {key.name}`"
                )
            self._replace((*keys, key))

    def revoke(self, name: str) -> None:
        """Remove a key; refuse a name that no key has."""
        with self._locked():
            keys = self.read()
            left = tuple(key for key in keys if key.name != name)
            if len(left) == len(keys):
                raise UsageError(
                    f"{self.path} has no key named {name!r}: `vector-assets keys list` shows the "
                    f"names"
                )
            self._replace(left)

    def _replace(self, keys: Sequence[ReadKey]) -> None:
        handle, new_path = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            # `mkstemp` gives mode 600.
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(f"{key.as_line()}\n" for key in keys)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new_path, self.path)
        except OSError:
            Path(new_path).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock, as the file itself is replaced; report what cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)
        except OSError as error:
            raise UsageError(
                f"cannot write {self.path}: {os.strerror(error.errno or 0)}. Set READ_KEYS_FILE "
                f"to a file in a folder that this user may write to"
            ) from None

    def _unreadable(self, error: OSError) -> SettingsError:
        return SettingsError(
            f"cannot read {self.path}: {os.strerror(error.errno or 0)}. READ_KEYS_FILE has to name "
            f"a file that this user may read"
        )


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parsed(line: str) -> ReadKey:
    try:
        fields = json.loads(line, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise MalformedKeyError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedKeyError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except MalformedKeyError:
        raise
    except ValueError:
        raise MalformedKeyError("not JSON (a number is too long)") from None
    if not isinstance(fields, dict):
        raise MalformedKeyError("not a JSON object")
    if unknown := sorted(fields.keys() - _FIELDS):
        raise MalformedKeyError(f"{len(unknown)} unknown: only {_listed(_FIELDS)} are known")
    if missing := sorted(_FIELDS - {"viewer", "groups"} - fields.keys()):
        raise MalformedKeyError(f"{_listed(missing)} is missing")
    return _checked(**fields)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise MalformedKeyError("a field is given twice")
    return fields


def _checked(
    *,
    name: object,
    binding: object,
    created: object,
    sha256: object,
    viewer: object = "",
    groups: object = (),
) -> ReadKey:
    """Return a key of these fields; raise `MalformedKeyError` that says what is wrong with them."""
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise MalformedKeyError("name has to be 1 to 64 letters, digits, or any of . _ @ -")
    if not (isinstance(binding, str) and binding in _BINDINGS):
        raise MalformedKeyError(f"binding has to be one of {_listed(_BINDINGS)}")
    if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise MalformedKeyError("sha256 has to be 64 hexadecimal digits in lower case")
    if not isinstance(viewer, str):
        raise MalformedKeyError("viewer has to be text")
    if binding != VIEWER and (viewer or groups):
        raise MalformedKeyError(f"only a key of the binding {VIEWER!r} has a viewer or groups")
    if binding == VIEWER and not _is_word(viewer, _EMAIL):
        raise MalformedKeyError("viewer has to be an e-mail in lower case")
    return ReadKey(name, binding, sha256, _day(created), viewer, _groups(groups))


def _groups(groups: object) -> tuple[str, ...]:
    if not isinstance(groups, list | tuple):
        raise MalformedKeyError("groups has to be a list of texts")
    for group in groups:
        if not (isinstance(group, str) and _is_word(group, re.compile(r"\S(.*\S)?"))):
            raise MalformedKeyError("a group has to be text in lower case, not empty")
        # Every restricted document names this word.
        if group in {RESTRICTED, PUBLIC}:
            raise MalformedKeyError(f"a group may not be {group!r}")
    return tuple(groups)


def _is_word(word: str, form: re.Pattern[str]) -> bool:
    return (
        word == word.lower()
        and word.isprintable()
        and len(word) <= _MAX_WORD_CHARACTERS
        and form.fullmatch(word) is not None
    )


def _day(created: object) -> date:
    try:
        return date.fromisoformat(created if isinstance(created, str) else "")
    except ValueError:
        raise MalformedKeyError("created has to be a day such as 2026-11-29") from None


def _listed(words: Any) -> str:
    return ", ".join(sorted(words))
