"""The causes as sentences; they quote no document."""

from collections.abc import Sequence
from datetime import UTC, datetime

from vector_assets.monitoring.why.answer import Cause, Finding
from vector_assets.monitoring.why.held import Held
from vector_assets.sources import SOURCES
from vector_assets.sources.items import Quarantined

MAX_NAMED_READERS = 10

_PASTE = (
    "paste its link, its id (`jira:10001`), its key (`OPS-1`), or some words that stand in it, "
    "in quotation marks"
)

UNKNOWN_LINK = Finding(
    Cause.UNKNOWN_LINK,
    f"This link names no document of the sources that can be read: {', '.join(SOURCES)}. Attached "
    f"files, pictures and canvases are not read.",
    "Paste the link of the document itself, as its vendor's page copies it; or its id or key.",
)


def no_such_words(*, is_operator: bool) -> Finding:
    """Return that no document holds the words, as far as who asks may read."""
    if is_operator:
        return Finding(
            Cause.NO_SUCH_WORDS,
            "No public document of the index holds these words in this order.",
            f"To find out about one document, {_PASTE}. With --viewer, what that person may read "
            f"is searched as well.",
        )
    return Finding(
        Cause.NO_SUCH_WORDS,
        "No document of the index that you may read holds these words in this order.",
        f"To find out about one document, {_PASTE}.",
    )


def unreadable_holders(count: int) -> str:
    """Return that other documents hold the words too."""
    return f"{count:,} other {'document holds' if count == 1 else 'documents hold'} these words."


def as_part_of(document_id: str) -> str:
    """Return that what was named is no document of its own."""
    return f"What you named is no document of its own; if it was read, it is in {document_id}."


def source_off(source: str, missing: Sequence[str], *, is_operator: bool) -> Finding:
    """Return that a source is not read, and so not searched either."""
    sentence = f"{source} is off in this installation: it is neither read nor searched."
    if not is_operator:
        return Finding(Cause.SOURCE_OFF, sentence, "Ask who runs this index to set it up.")
    if missing:
        advice = f"Set {', '.join(missing)}; `vector-assets doctor` checks them."
    else:
        advice = f"Add {source} to VECTOR_ASSETS_SOURCES."
    return Finding(Cause.SOURCE_OFF, sentence, advice)


def unknown(source: str, as_of: datetime | None) -> Finding:
    """Return what is said of every document that a viewer may not read, there or not."""
    newest = f"{as_of:%Y-%m-%d %H:%M} UTC" if as_of else "nothing"
    return Finding(
        Cause.UNKNOWN,
        f"The index holds no such document of {source} that you may read: it does not exist, is "
        f"not read, or is not for you. The newest that the index knows of {source}: {newest}.",
        f"Open it in {source}. If you can read it there, and it is older than that, ask who runs "
        f"this index: `vector-assets why` tells them the reason.",
    )


def quarantined(failed: Quarantined, *, is_held: bool = False) -> Finding:
    """Return that a document could not be read, embedded or written."""
    kept = " The index holds an older version of it." if is_held else ""
    times = "once" if failed.attempts == 1 else f"{failed.attempts} times"
    return Finding(
        Cause.QUARANTINED,
        f"It is in quarantine since {failed.first_seen_at:%Y-%m-%d}, and failed {times}: "
        f"{failed.cause}.{kept}",
        "Set right what the cause names; each nightly run tries it again.",
    )


def older_version(lost: Finding, held: Held) -> Finding:
    """Return that the index holds an older version, and why not the newer."""
    held_at = datetime.fromtimestamp(held.head.updated_at, UTC)
    return Finding(
        lost.cause,
        f"The index holds its version of {held_at:%Y-%m-%d %H:%M} UTC, and not the newest. "
        f"{lost.sentence}",
        lost.advice,
    )


def not_whole(held: Held) -> Finding:
    """Return which part of a document is missing."""
    return Finding(Cause.NOT_WHOLE, f"The index holds it, but {held.defect}.", _repair(held.source))


def without_first_part(source: str) -> Finding:
    """Return that the first part of a document is missing, without which the rest is not found."""
    return Finding(
        Cause.NOT_WHOLE,
        "The index holds parts of it, but not the first, without which none is found.",
        _repair(source),
    )


def _repair(source: str) -> str:
    return f"Run `vector-assets verify {source} --repair` for the day of its last activity."


def restricted(readers: Sequence[str]) -> Finding:
    """Return who finds a document, to an operator."""
    if not readers:
        return Finding(
            Cause.RESTRICTED,
            "The index holds it whole, but it is restricted, and nobody is known who may read it.",
            "Let the account of the source see who may read it: `vector-assets doctor` names what "
            "is missing.",
        )
    named = ", ".join(readers[:MAX_NAMED_READERS])
    more = len(readers) - MAX_NAMED_READERS
    listed = f"{named} and {more} more" if more > 0 else named
    return Finding(
        Cause.RESTRICTED,
        f"The index holds it whole, and it is restricted: {listed} may find it, nobody else.",
        "Search as one of them (--viewer). Who is missing there has to be given access at the "
        "source; the next nightly run notices.",
    )


def empty(held: Held) -> Finding:
    """Return that a document has no text."""
    if held.is_redacted:
        return Finding(
            Cause.EMPTY,
            "The index holds it, but all of its text was redacted, for it looks like a credential.",
            "If it is none, change its text so that it does not look like one.",
        )
    return Finding(
        Cause.EMPTY,
        "The index holds it, but it has no text: only its title can be found.",
        "Ask for its title. What is only in attachments, pictures or canvases is not read.",
    )


def can_be_found(held: Held) -> Finding:
    """Return that nothing is wrong."""
    parts = "one part" if held.head.chunk_count == 1 else f"all {held.head.chunk_count} parts"
    return Finding(
        Cause.FOUND,
        f"The index holds it whole, in {parts}, and it can be found.",
        "Ask again with your question, to see in which place it puts this document.",
    )


def other_generation(source: str, generation: str, *, is_building: bool) -> Finding:
    """Return that only an index that is not searched holds a document."""
    if is_building:
        return Finding(
            Cause.OTHER_GENERATION,
            f"Only the index that is being filled ({generation}) holds it, which is not searched "
            f"yet.",
            "Finish the reindex: run `vector-assets reindex` again.",
        )
    return Finding(
        Cause.OTHER_GENERATION,
        f"Only an older index ({generation}) holds it, which is no longer searched.",
        f"Read its day into the live one: `vector-assets sync {source} --from DAY --to DAY`.",
    )


def unsure(source: str, advice: str) -> Finding:
    """Return that the vendor does not tell whether there is such a document."""
    return Finding(
        Cause.NOT_AT_VENDOR,
        f"The index does not hold it, and {source} does not tell whether it exists.",
        advice or "Check the link or id; if it exists, share it with the account.",
    )


def missing(source: str, *, is_host: bool) -> Finding:
    """Return that a document is not in the index, and nothing tells why."""
    if is_host:
        return Finding(
            Cause.MISSING,
            f"The namespace {source} holds no such document.",
            "Materialize the asset that fills it, or check the id.",
        )
    return Finding(
        Cause.MISSING,
        f"{source} has it, its day was read, and the index does not hold it.",
        f"Read its day again: `vector-assets sync {source} --from DAY --to DAY`. If it is still "
        f"missing then, report it.",
    )
