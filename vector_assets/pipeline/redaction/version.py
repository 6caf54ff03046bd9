"""The version of redaction: by which code and rules a text was looked through.

The index holds it with each document. What was looked through by this version needs it no more.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files


@cache
def redaction_version() -> str:
    """Return the hash of this package's files and of the scanner's release; 8 characters.

    Nobody has to raise it, so that nobody can forget to.
    """
    digest = hashlib.blake2b(version("kingfisher-secret-scanner").encode(), digest_size=4)
    folder = files("vector_assets.pipeline.redaction")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".py", ".yml")):
            content = file.read_bytes()
            digest.update(f"\n{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
