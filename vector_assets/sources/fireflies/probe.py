"""One meeting, asked for by its id; and which meeting a link names."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.core.remembered import Remembered
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.fireflies.client import FirefliesApi
from vector_assets.sources.fireflies.document import READER_FIELDS, stamp_of
from vector_assets.sources.fireflies.fields import object_in
from vector_assets.sources.fireflies.listing import began_at, id_of
from vector_assets.sources.fireflies.readiness import unready, why_unread

NO_SUCH = "object_not_found"
"""The documented code of a meeting that is not there, or not for the owner of the key
(docs.fireflies.ai, "Error codes", 2026-11)."""

READINESS = """
  id title date is_live transcript_url
  meeting_info { summary_status silent_meeting fred_joined }
  sentences { index }
"""
"""The fields of a transcript that tell whether it is ready."""

OWNER_SECONDS = 600.0
"""How long it is believed that the owner of the key is an admin."""

_OWNER = "query Owner { user { is_admin } }"
_PROBE = f"query Probe($id: String!) {{ transcript(id: $id) {{ {READINESS} {READER_FIELDS} }} }}"
_NATIVE_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)
_ULID = re.compile(r"01[0-9A-HJKMNP-TV-Z]{24}")

_ASK_OWNER = (
    "Look in Fireflies whether it was deleted. If not, share it with the owner of "
    "FIREFLIES_API_KEY, or set the key of an admin, who sees all meetings."
)


class MeetingProbe:
    """Asks for single meetings; safe to share between threads.

    Args:
        api: Of the team.
    """

    def __init__(self, api: FirefliesApi) -> None:
        self._api = api
        self._is_admin = Remembered(self._ask_for_owner, seconds=OWNER_SECONDS)

    def __call__(self, document: Missing) -> Probed:
        """Ask for a meeting: a request, and one more in ten minutes for meetings not shown.

        Raises:
            ContractError: Fireflies gives neither the meeting nor an error.
            VectorAssetsError: As `FirefliesApi.ask` raises.
        """
        wanted = document.document_id.partition(":")[2]
        try:
            transcript = self._api.ask("transcript", _PROBE, {"id": wanted}).get("transcript")
        except UnavailableError as error:
            if error.seen != NO_SUCH:
                raise
            return Probed(self.state_of_unseen(), advice=_ASK_OWNER)
        if not isinstance(transcript, dict) or id_of(transcript) != wanted:
            # Only the documented error says that it is gone.
            raise ContractError("fireflies transcript", "neither it nor an error", "the meeting")
        began, now = began_at(transcript), datetime.now(UTC)
        left_out = advice = ""
        if began is not None and (reason := unready(transcript, began, now)) is not None:
            left_out, advice = why_unread(transcript, began, now, reason)
        return Probed(RemoteState.THERE, began, left_out, advice, stamp=stamp_of(transcript))

    def state_of_unseen(self) -> RemoteState:
        """Return the state of a meeting that is not shown: an admin is shown all there are.

        To others, a meeting that is no longer shared would look deleted.
        """
        return RemoteState.DELETED if self._is_admin("") else RemoteState.UNSURE

    def _ask_for_owner(self, _: str) -> bool:
        return object_in(self._api.ask("user", _OWNER).get("user")).get("is_admin") is True


def document_id_in(text: str) -> str | None:
    """Return the id of the meeting that a link or an id names; None for anything else.

    A link ends in the id, or in the title and the id: `view/Weekly-sync::01J…`.
    """
    text = text.strip()
    if text.startswith("fireflies:") and not text.startswith("fireflies://"):
        identity = text.removeprefix("fireflies:")
    elif "://" in text:
        identity = _id_in_link(text)
    else:
        identity = text if _ULID.fullmatch(text) else ""
    return f"fireflies:{identity}" if _NATIVE_ID.fullmatch(identity) else None


def _id_in_link(link: str) -> str:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return ""
    _, _, place = unquote(parts.path).partition("/view/")
    is_ours = "fireflies" in host.split(".")
    return place.strip("/").rpartition("::")[2] if is_ours and place else ""
