"""Folders that hold texts of documents or Dagster's records: only their owner may enter them."""

import logging
import stat
from pathlib import Path

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LOGGER = logging.getLogger(__name__)


def make_private(folder: Path) -> None:
    """Create a folder for its owner alone, or take the rights of all others from one that exists.

    Nobody else can then reach a file in it, whatever the rights of that file. A folder that cannot
    be changed, such as one of another owner, is used as it is, with a warning; so is one that is
    meant for everyone, such as `/tmp`.
    """
    cause = ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & _OF_OTHERS:
            return
        if mode & stat.S_ISVTX:
            cause = "everyone may create files in it; use a folder below it"
        else:
            folder.chmod(mode & ~_OF_OTHERS)
    except OSError as error:
        cause = error.strerror or type(error).__name__
    if cause:
        _LOGGER.warning(
            "Other users of this machine may be able to read %s, and it cannot be made private: "
            "%s. Run `chmod 700` on it as its owner.",
            folder,
            cause,
        )
