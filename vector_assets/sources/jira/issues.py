"""Issues of a listing to documents, with their comments, attachments and readers."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from vector_assets.core.documents import PUBLIC, Document
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    DocumentError,
    UnavailableError,
)
from vector_assets.sources.items import DocumentFailure, Gap, Unchanged
from vector_assets.sources.jira.access import JiraReaders
from vector_assets.sources.jira.accounts import AccountNames
from vector_assets.sources.jira.attachments import IssueFiles
from vector_assets.sources.jira.client import PAGE_ISSUES, JiraApi, in_batches
from vector_assets.sources.jira.document import FIELDS, Surroundings, document_of, instant
from vector_assets.sources.jira.fields import CustomField, custom_fields, fields_without_words
from vector_assets.sources.jira.json_values import Json, as_object, scalar_text
from vector_assets.sources.jira.related import RelatedIssues, has_related

_PEOPLE_TYPES = ("user", "array")
"""Types of custom fields that hold one person, or several."""

_MAX_OUTAGES_IN_A_ROW = 5
"""After so many issues in a row whose attachments get no answer, Jira counts as down."""

Item = Document | DocumentFailure | Unchanged


class IssueReader:
    """Converts issues to documents, and counts what is left out.

    Args:
        api: Asked once for the names of the site's fields.
        server: URL of the site, without a trailing slash.
        readers: Names who may read an issue.
        is_wanted: Tells whether an issue is in a project that is read.
        files: Reads attachments.

    Attributes:
        skipped_ids: Issues that were not read, because the index holds them with the same stamp;
            what they show of other issues may have changed.
    """

    def __init__(
        self,
        api: JiraApi,
        server: str,
        readers: JiraReaders,
        is_wanted: Callable[[Json], bool],
        files: IssueFiles,
    ) -> None:
        self._api = api
        self._server = server
        self._readers = readers
        self._custom: tuple[CustomField, ...] = custom_fields(api.fields())
        self._accounts = AccountNames(api)
        self._related = RelatedIssues(api, readers, is_wanted)
        self._files = files
        self._is_wanted = is_wanted
        self._outages_in_a_row = 0
        self.skipped_ids: set[str] = set()
        self._hidden_comment_ids: set[str] = set()
        self._wordless_issue_ids: dict[str, set[str]] = {}

    @property
    def field_ids(self) -> list[str]:
        """Ids of the fields that are read."""
        return [*FIELDS, *(field.id for field in self._custom)]

    @property
    def people_field_ids(self) -> list[str]:
        """Ids of the custom fields that may hold people, who may be let in by them."""
        return [field.id for field in self._custom if field.type in _PEOPLE_TYPES]

    @property
    def neighbours_of_limited(self) -> frozenset[str]:
        """Ids of the issues that link to the limited ones among those that were read.

        They may show a summary that not all of their readers may read any more.
        """
        return self._related.neighbours_of_limited

    def stamp(self, issue: Json) -> str:
        """Return the version, readers and attachments of an issue.

        Empty for one that everyone may read, and that has no attachments to download. Such a one
        with attachments also has the summaries that it shows; of a limited one these are not known
        to `HeldAccess`, which compares its stamp.
        """
        return self._stamp(issue, self._readers.access_of(issue))

    def _stamp(self, issue: Json, access: tuple[str, ...]) -> str:
        parts = [*access] if access != (PUBLIC,) else []
        if files := self._files.stamp(issue):
            parts += [files, *(self._related.shown(access, issue) if access == (PUBLIC,) else ())]
        return " ".join((version_of(issue)[1], *parts)) if parts else ""

    def items(
        self,
        issues: Sequence[Json],
        *,
        may_skip: bool = False,
        may_miss_ids: Collection[str] = frozenset(),
    ) -> list[Item]:
        """Return each issue's document, or why there is none.

        Args:
            issues: Of a page.
            may_skip: Whether issues with attachments may stay as the index holds them.
            may_miss_ids: Issues that may be read without attachments that Jira does not give now.

        Raises:
            UnavailableError: Jira gives no attachments at all now.
        """
        self._related.learn(issues)
        unchanged = self._unchanged(issues) if may_skip else frozenset()
        self.skipped_ids -= {version_of(issue)[0] for issue in issues}
        return [
            self._skipped(issue)
            if _document_id(issue) in unchanged
            else self._document_or_failure(issue, may_miss_ids)
            for issue in issues
        ]

    def _unchanged(self, issues: Sequence[Json]) -> frozenset[str]:
        """Return the documents with attachments that need not be downloaded again."""
        stamps = {
            _document_id(issue): self.stamp(issue)
            for issue in issues
            if self._files.stamp(issue)
            # What a limited issue shows of others is no part of its stamp.
            and (self._readers.access_of(issue) == (PUBLIC,) or not has_related(issue))
        }
        return self._files.known.unchanged(stamps) if stamps else frozenset()

    def _skipped(self, issue: Json) -> Item:
        issue_id, updated = version_of(issue)
        updated_at = instant(updated)
        if updated_at is None:
            return _failure(issue, "has no readable time of its update")
        self.skipped_ids.add(issue_id)
        self._files.count(issue)
        return Unchanged(_document_id(issue), updated_at.date())

    def by_ids(self, issue_ids: Sequence[str]) -> Iterator[Item]:
        """Yield issues by their ids, `PAGE_ISSUES` a request, without those of other projects."""
        for ids in in_batches(issue_ids, PAGE_ISSUES):
            issues, _ = self._api.issues(list(ids), self.field_ids)
            yield from self.items([issue for issue in issues if self._is_wanted(issue)])

    def gaps(self) -> Iterator[Gap]:
        """Yield what was left out of the documents so far."""
        if self._hidden_comment_ids:
            yield Gap(
                "comments kept to a group or role",
                "they are for fewer people than their issues",
                count=len(self._hidden_comment_ids),
            )
        for name, issue_ids in self._wordless_issue_ids.items():
            reason = "Jira gives ids without names, as it does for objects of Assets"
            yield Gap(f"values of the field {name}", reason, count=len(issue_ids))
        yield from self._files.gaps()
        yield from self._readers.gaps()

    def _document_or_failure(
        self, issue: Json, may_miss_ids: Collection[str]
    ) -> Document | DocumentFailure:
        try:
            comments = self._comments(issue)
        except (ContractError, CredentialsError) as error:
            if isinstance(error, CredentialsError) and not self._api.is_refusal(error):
                raise
            # What follows the status may quote the issue.
            seen = error.seen.partition(":")[0]
            return _failure(issue, f"has comments that cannot be read: {seen}")
        shown = [comment for comment in comments if not _is_limited(comment)]
        access = self._readers.access_of(issue)
        around = Surroundings(
            self._server,
            self._custom,
            self._accounts.within([issue, comments]),
            partial(self._related.may_show, access),
        )
        try:
            document = document_of(
                issue,
                shown,
                around,
                hidden_comment_count=len(comments) - len(shown),
                access=access,
                stamp=self._stamp(issue, access),
            )
        except DocumentError as error:
            return _failure(issue, f"cannot be read: {error.cause}")
        self._count_what_is_left_out(issue, comments)
        return self._with_attachments(document, issue, may_miss_ids)

    def _with_attachments(
        self, document: Document, issue: Json, may_miss_ids: Collection[str]
    ) -> Document | DocumentFailure:
        """Return a document with its attachments; a failure while Jira does not give them."""
        try:
            may_miss = version_of(issue)[0] in may_miss_ids
            sections = self._files.sections(issue, may_miss=may_miss)
        except UnavailableError as error:
            self._outages_in_a_row += 1
            if self._outages_in_a_row >= _MAX_OUTAGES_IN_A_ROW:
                raise
            return _failure(issue, f"has attachments that Jira does not give now: {error.seen}")
        if not sections:
            return document
        self._outages_in_a_row = 0
        return replace(document, sections=(*document.sections, *sections))

    def _count_what_is_left_out(self, issue: Json, comments: Sequence[Any]) -> None:
        hidden = (as_object(comment) for comment in comments if _is_limited(comment))
        self._hidden_comment_ids |= {str(comment.get("id")) for comment in hidden}
        for name in fields_without_words(as_object(issue.get("fields")), self._custom):
            self._wordless_issue_ids.setdefault(name, set()).add(str(issue.get("id")))

    def _comments(self, issue: Json) -> list[Any]:
        """Return all comments: a search result holds a few, and their number."""
        first = as_object(as_object(issue.get("fields")).get("comment"))
        comments, total = first.get("comments"), first.get("total")
        if isinstance(comments, list) and isinstance(total, int) and len(comments) >= total:
            return comments
        asked = self._api.comments(version_of(issue)[0])
        shown = comments if isinstance(comments, list) else []
        # What has no id is no comment.
        shown_ids = {scalar_text(as_object(comment).get("id")) for comment in shown} - {""}
        if len(asked) < len(shown_ids):
            seen = f"{len(asked)} of {len(shown_ids)} comments"
            raise ContractError("jira comment", seen, "all of them")
        return asked


def version_of(issue: Json) -> tuple[str, str]:
    """Return the id of an issue and when it was updated, as the vendor writes it.

    Its key, or its address, where it has no id.
    """
    names = (scalar_text(issue.get(name)) for name in ("id", "key", "self"))
    issue_id = next(filter(None, names), "unknown")
    return issue_id, scalar_text(as_object(issue.get("fields")).get("updated"))


def _document_id(issue: Json) -> str:
    return f"jira:{version_of(issue)[0]}"


def _is_limited(comment: Any) -> bool:
    return as_object(comment).get("visibility") is not None


def _failure(issue: Json, cause: str) -> DocumentFailure:
    """Return a failure that names an issue by its key; never by its summary or another text."""
    issue_id, updated = version_of(issue)
    updated_at = instant(updated)
    return DocumentFailure(
        f"jira:{issue_id}",
        f"{scalar_text(issue.get('key')) or issue_id} {cause}",
        updated_at.date() if updated_at else None,
    )
