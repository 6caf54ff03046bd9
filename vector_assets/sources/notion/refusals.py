"""A refusal of Notion, and what it says about that which was asked for.

Statuses and codes: developers.notion.com/reference/status-codes, 2026-11.
"""

import httpx

from vector_assets.core.errors import SkippableError

_IS_DATABASE = "is a database, not a page"
_IS_VIEW = (
    "does not contain any data sources accessible",
    "do not support linked databases",
)
"""What tells these refusals from those of other invalid requests, as they have no code of their own
(ultimate-notion/ultimate-notion, "Error when trying to fetch linked database views from a page",
2025-09; dust-tt/dust, "Ignore notion linked databases", 2025-11)."""


class RefusedError(SkippableError):
    """Notion refuses one request; others may succeed.

    Args:
        code: Of Notion, such as `object_not_found`.
        message: Of Notion.
        status: Of HTTP.
    """

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"notion refuses it, {code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    @property
    def is_of_one_object(self) -> bool:
        """Whether just this page or block is refused, and not the endpoint."""
        return (self.status, self.code) == (httpx.codes.NOT_FOUND, "object_not_found")

    @property
    def is_of_database(self) -> bool:
        """Whether a page was asked for by the id of a database."""
        return self._is_invalid and _IS_DATABASE in self.message

    @property
    def is_of_view(self) -> bool:
        """Whether a database only shows one elsewhere, or none that is shared."""
        return self._is_invalid and any(words in self.message for words in _IS_VIEW)

    @property
    def _is_invalid(self) -> bool:
        return (self.status, self.code) == (httpx.codes.BAD_REQUEST, "validation_error")

    @property
    def lacks_capability(self) -> bool:
        """Whether the integration lacks the capability for this endpoint."""
        return (self.status, self.code) == (httpx.codes.FORBIDDEN, "restricted_resource")

    @property
    def lacks_rights(self) -> bool:
        """Whether sharing, or a capability of the integration, may change it."""
        return self.is_of_one_object or self.lacks_capability
