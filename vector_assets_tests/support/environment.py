"""The environment of a person who has set up some vendors and LanceDB."""

from pathlib import Path

import pytest

from vector_assets.sandbox.server import Sandbox


def use_environment(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, folder: Path, *vendors: str
) -> None:
    """Set the variables of some of the sandbox's vendors, by their prefixes, and of an index."""
    for name, value in {
        **{name: value for name, value in sandbox.environment.items() if name.startswith(vendors)},
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(folder / "lancedb"),
        "READ_API_KEY": "reading-key",
        "ADMIN_API_KEY": "admin-key",
    }.items():
        monkeypatch.setenv(name, value)
