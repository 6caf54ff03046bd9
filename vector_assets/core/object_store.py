"""A folder in an object store, or on this disk, as files that are written, read and deleted.

The variables are those by which LanceDB reaches its object store, so that one set leads to both.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from pyarrow import ArrowException, fs

from vector_assets.core import credentials
from vector_assets.core.errors import UnavailableError, UsageError

SCHEMES = ("s3", "gs", "file")


class Folder:
    """All files below one URI.

    Args:
        uri: Such as `s3://bucket/prefix`.
        filesystem: That holds it.
        path: Its name there.
    """

    def __init__(self, uri: str, filesystem: Any, path: str) -> None:
        self.uri = uri
        self._filesystem = filesystem
        self._path = path.rstrip("/")

    @classmethod
    def at(cls, uri: str) -> Self:
        """Return the folder of a URI; nothing is asked or made yet.

        Raises:
            UsageError: The URI is of none of `SCHEMES`, or holds more than a place: it is recorded.
            UnavailableError: Its store cannot be reached.
        """
        credentials.know(credentials.of_url(uri))
        parts = urlsplit(uri)
        is_plain = not (parts.query or "@" in parts.netloc)
        if parts.scheme not in SCHEMES or not parts.path.strip("/") or not is_plain:
            raise UsageError(
                f"{uri!r} is no folder of an object store: write it as s3://bucket/prefix or "
                f"gs://bucket/prefix, and its keys into the environment (AWS_ACCESS_KEY_ID)"
            )
        with _answered(uri):
            if parts.scheme == "s3" and os.environ.get("AWS_ENDPOINT"):
                return cls(uri, _store_of_another_vendor(), f"{parts.netloc}{parts.path}")
            return cls(uri, *fs.FileSystem.from_uri(uri))

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        """Give a stream into a new file; it is there once the block has ended.

        Args:
            name: Below the folder, such as `jira/000.jsonl`.
        """
        path = f"{self._path}/{name}"
        with _answered(self.uri):
            if isinstance(self._filesystem, fs.LocalFileSystem):
                # An object store has no folders, and would keep an empty object in their place.
                self._filesystem.create_dir(path.rpartition("/")[0], recursive=True)
            with self._filesystem.open_output_stream(path) as stream:
                yield stream

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        """Give a file, to be read from any place of it."""
        with _answered(self.uri), self._filesystem.open_input_file(f"{self._path}/{name}") as file:
            yield file

    def names(self) -> list[str]:
        """Return all files by their names below the folder, in order; none where there is none."""
        wanted = fs.FileSelector(self._path, allow_not_found=True, recursive=True)
        with _answered(self.uri):
            found = self._filesystem.get_file_info(wanted)
        return sorted(
            one.path.removeprefix(f"{self._path}/") for one in found if one.type == fs.FileType.File
        )

    def remove(self) -> None:
        """Delete the folder with all files in it; nothing happens when there is none."""
        if self.names():
            with _answered(self.uri):
                self._filesystem.delete_dir(self._path)


def _store_of_another_vendor() -> Any:
    """Return a store that speaks S3 at an address of its own; Arrow reads the keys itself."""
    endpoint = urlsplit(os.environ["AWS_ENDPOINT"])
    return fs.S3FileSystem(
        endpoint_override=endpoint.netloc,
        scheme=endpoint.scheme,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    )


@contextmanager
def _answered(uri: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ArrowException) as error:
        raise UnavailableError(
            f"the object store at {uri}",
            str(error).splitlines()[0][:300],
            "Check that it can be read and written (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT; "
            "docs/deploy.md), then run the same command again.",
        ) from error
