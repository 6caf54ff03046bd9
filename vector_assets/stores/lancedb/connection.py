"""Open a LanceDB folder or object store, with bounded caches and a folder of its owner alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb

from vector_assets.core.private_folder import make_private

INDEX_CACHE_BYTES, METADATA_CACHE_BYTES = 256 * 2**20, 16 * 2**20
"""LanceDB's defaults are 6 GB and 1 GB, which a long run would fill, because each commit adds to
them. The cache of metadata holds every version seen, and a run needs only the newest."""


def connect(uri: str) -> Any:
    """Return a connection; an index in a folder is readable by the folder's owner alone."""
    if "://" not in uri:
        make_private(Path(uri))
    return lancedb.connect(
        uri,
        read_consistency_interval=timedelta(0),
        session=lancedb.Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES),
    )
