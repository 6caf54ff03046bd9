"""What a message tells of a file: its name, and the words of it that history itself carries.

What more is in it, `attachments.py` reads. Follows
docs.slack.dev/reference/objects/file-object (2026-11).
"""

from typing import Any

from vector_assets.sources.slack.json_values import object_in, objects_in
from vector_assets.sources.slack.mrkdwn import Names, fenced, markdown

Json = dict[str, Any]

_CANVASES = frozenset({"quip", "canvas"})
HISTORY_ALONE = "of files, only what history itself carries is read"
_GONE = frozenset({"tombstone", "hidden_by_limit"})
_KINDS = {"image": "images", "video": "videos", "audio": "audio files"}


def file_text(file: Json, names: Names) -> str:
    """Return a file's name, what was said of it, and its words as far as they were sent."""
    comment = object_in(file.get("initial_comment"))
    described = (_string(file, "alt_txt"), markdown(_string(comment, "comment"), names))
    parts = [_named(file), *described, _words(file)]
    return "\n".join(part.strip("\n") for part in parts if part.strip())


def unread_kind(file: Json) -> str:
    """Return what kind of file this is if some of its content is not read; else empty."""
    mode, filetype = _string(file, "mode"), _string(file, "filetype")
    if mode in _GONE:
        return ""
    if _words(file):
        return "" if _is_whole(file) else "files of which history holds the beginning"
    if {filetype, mode} & _CANVASES:
        return "canvases"
    if "list" in (mode, filetype):
        return "lists"
    media = _string(file, "mimetype").partition("/")[0]
    kind = _string(file, "pretty_type") or filetype
    return _KINDS.get(media) or (f"files ({kind})" if kind else "other files")


def _named(file: Json) -> str:
    name, title = _string(file, "name"), _string(file, "title")
    if name and title and name != title:
        return f"File: {title} ({name})"
    return f"File: {name or title}" if name or title else ""


def _words(file: Json) -> str:
    """Return the words that history carries: of an e-mail, a snippet, a text or a recording."""
    spoken = object_in(object_in(file.get("transcription")).get("preview"))
    if words := _string(spoken, "content").strip():
        return words
    if file.get("filetype") == "email" or file.get("mode") == "email":
        # Its `preview` is HTML.
        subject, name = _string(file, "subject"), _named(file)
        body = _string(file, "plain_text") or _string(file, "preview_plain_text")
        sender = _sender(file) if body else ""
        return "\n".join(filter(None, ("" if subject in name else subject, sender, body.strip())))
    if text := _string(file, "plain_text").strip():
        return text
    preview = _string(file, "preview").strip("\n")
    return fenced(preview) if preview.strip() else ""


def _sender(file: Json) -> str:
    """Return whom an e-mail is from."""
    senders = objects_in(file.get("from"))
    names = (_string(sender, "name") or _string(sender, "address") for sender in senders)
    named = ", ".join(filter(None, names))
    return f"From: {named}" if named else ""


def _is_whole(file: Json) -> bool:
    """Tell whether history carries all words of a file."""
    spoken = object_in(object_in(file.get("transcription")).get("preview"))
    if spoken.get("content"):
        return not spoken.get("has_more")
    if file.get("plain_text"):
        return True
    is_cut = file.get("preview_is_truncated") or file.get("lines_more") or file.get("has_more")
    return not is_cut and not file.get("preview_plain_text")


def _string(value: Json, key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""
