"""The attachments of an issue, and how Jira gives them.

Everyone who may read an issue may open its attachments, so they are part of its document
(developer.atlassian.com/cloud/jira/platform/rest/v3, "Get attachment content", 2026-11).
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from vector_assets.core import credentials
from vector_assets.core.documents import Section, storable
from vector_assets.core.meter import Meter
from vector_assets.sources.attachments.reader import (
    Attachment,
    AttachmentOptions,
    AttachmentReader,
)
from vector_assets.sources.http.downloads import Downloader, RefusedDownloadError, host_of, is_at
from vector_assets.sources.items import Gap, Known
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.fields import value_text
from vector_assets.sources.jira.json_values import Json, as_list, as_object, scalar_text

_MEDIA_HOSTS = (".atlassian.com", ".atlassian.net")


class IssueFiles:
    """The attachments of the issues of one run.

    Args:
        files: Finds them.
        attachments: Reads them.
        known: What the index holds.
    """

    def __init__(self, files: "JiraFiles", attachments: AttachmentReader, known: Known) -> None:
        self.known = known
        self._files = files
        self._attachments = attachments

    def stamp(self, issue: Json) -> str:
        """Return which attachments of an issue are to be downloaded; empty for none."""
        wanted = self._attachments.wanted(self._files.of(issue))
        named = "\n".join(f"{file.id} {file.name}" for file in wanted)
        return f"files {hashlib.sha256(named.encode()).hexdigest()}" if wanted else ""

    def sections(self, issue: Json, *, may_miss: bool) -> tuple[Section, ...]:
        """Return the texts of an issue's attachments; see `AttachmentReader.sections`."""
        return self._attachments.sections(self._files.of(issue), may_miss=may_miss)

    def count(self, issue: Json) -> None:
        """Count what of an issue's attachments is known not to be read."""
        self._attachments.count(self._files.of(issue))

    def gaps(self) -> Iterator[Gap]:
        """Yield what was not read so far; call it last."""
        yield from self._attachments.gaps()
        self._attachments.close()


class JiraFiles:
    """Finds and downloads the attachments of issues.

    Args:
        api: Asked who we are when a download is refused.
        server: URL of the site, without a trailing slash.
        email: Of the account.
        token: Its API token.
        meter: Of the run.
        options: How large a file may be.
    """

    def __init__(
        self,
        api: JiraApi,
        server: str,
        email: str,
        token: str,
        meter: Meter,
        options: AttachmentOptions,
    ) -> None:
        self._api = api
        self._server = server
        self._authorization = f"Basic {credentials.basic(email, token)}"
        self._downloader = Downloader(
            "jira",
            meter,
            endpoint="attachment",
            max_bytes=options.max_bytes,
            is_allowed=self._is_allowed,
        )

    def of(self, issue: Json) -> Iterator[Attachment]:
        """Yield the attachments of an issue, the oldest first."""
        files = map(as_object, as_list(as_object(issue.get("fields")).get("attachment")))
        for file in sorted(files, key=lambda file: scalar_text(file.get("id")).zfill(20)):
            identity, claimed_bytes = scalar_text(file.get("id")), file.get("size")
            is_named = identity.isascii() and identity.isdecimal()
            # A name may end in half an emoji, of which no address can be made.
            name = storable(value_text(file.get("filename"))) or identity
            yield Attachment(
                identity,
                name,
                partial(self._content, identity),
                media_type=scalar_text(file.get("mimeType")),
                claimed_bytes=claimed_bytes if isinstance(claimed_bytes, int) else None,
                url=f"{self._server}/secure/attachment/{identity}/{quote(name, safe='')}",
                refusal="" if is_named else "Jira gives no id of them",
            )

    def _content(self, identity: str) -> bytes:
        """Return a file; raise as `Downloader.fetch` does, and as `JiraApi.who`."""
        url = f"{self._server}/rest/api/3/attachment/content/{identity}?redirect=false"
        try:
            return self._downloader.fetch(url, {"Authorization": self._authorization})
        except RefusedDownloadError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                # A token without the scope for it, or one that has expired: then the run ends.
                self._api.who()
            if not error.location:
                raise
            # The address is signed; our credentials are not for its host.
            return self._downloader.fetch(error.location)

    def _is_allowed(self, url: str) -> bool:
        return is_at(url, self._server) or host_of(url).endswith(_MEDIA_HOSTS)
