"""Issues of a listing to documents, with their comments and readers."""

import re
from collections.abc import Iterator
from datetime import datetime

from vector_assets.core.causes import origin_of
from vector_assets.core.documents import PUBLIC, Document
from vector_assets.core.errors import ContractError
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets.sources.jira.access import JiraReaders
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.document import FIELDS, document_of
from vector_assets.sources.jira.fields import CustomField, Json, custom_fields


class IssueReader:
    """Converts issues to documents, and counts what is left out.

    Args:
        api: Asked once for the names of the site's fields.
        server: URL of the site, without a trailing slash.
        readers: Names who may read an issue.
    """

    def __init__(self, api: JiraApi, server: str, readers: JiraReaders) -> None:
        self._api = api
        self._server = server
        self._readers = readers
        self._custom: tuple[CustomField, ...] = custom_fields(api.fields())
        self._hidden_comment_ids: set[str] = set()

    @property
    def field_ids(self) -> list[str]:
        """Ids of the fields that are read."""
        return [*FIELDS, *(field.id for field in self._custom)]

    def stamp(self, issue: Json) -> str:
        """Return the version and readers of a limited issue; empty for an open one."""
        access = self._readers.access_of(issue)
        return "" if access == (PUBLIC,) else " ".join((version_of(issue)[1], *access))

    def document_or_failure(self, issue: Json) -> Document | DocumentFailure:
        """Return an issue's document, or why there is none."""
        try:
            comments = self._comments(issue)
            hidden = [comment for comment in comments if comment.get("visibility")]
            document = document_of(
                issue,
                [comment for comment in comments if not comment.get("visibility")],
                server=self._server,
                custom=self._custom,
                hidden_comment_count=len(hidden),
                access=self._readers.access_of(issue),
                stamp=self.stamp(issue),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # An issue's fields are whatever its project's admins made of them.
            return _failure(issue, f"cannot be read: {origin_of(error)}")
        except ContractError as error:
            return _failure(issue, f"has comments that cannot be read: {error.seen}")
        self._hidden_comment_ids |= {str(comment.get("id")) for comment in hidden}
        return document

    def gaps(self) -> Iterator[Gap]:
        """Yield what was left out of the documents so far."""
        if self._hidden_comment_ids:
            yield Gap(
                "comments kept to a group or role",
                "they are for fewer people than their issues",
                count=len(self._hidden_comment_ids),
            )
        yield from self._readers.gaps()

    def _comments(self, issue: Json) -> list[Json]:
        """Return all comments: a search result holds a few, and their number."""
        first = issue["fields"].get("comment")
        if first is not None and len(first["comments"]) >= int(first["total"]):
            return list(first["comments"])
        return self._api.comments(issue["id"])


def version_of(issue: Json) -> tuple[str, str]:
    """Return the id of an issue and when it was updated, as the vendor writes it."""
    return str(issue.get("id")), str((issue.get("fields") or {}).get("updated"))


def _failure(issue: Json, cause: str) -> DocumentFailure:
    updated = re.match(r"\d{4}-\d\d-\d\d", version_of(issue)[1])
    return DocumentFailure(
        f"jira:{issue.get('id')}",
        f"{issue.get('key')} {cause}",
        datetime.fromisoformat(updated.group()).date() if updated else None,
    )
