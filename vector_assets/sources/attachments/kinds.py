"""The kinds of files, and which of them are read.

A kind is told to everybody, so it is one of the well-known endings, never a part of a name.
"""

OTHER = "other"
"""Kind of a file whose ending is not well known."""

_READ = {
    "txt": "text", "text": "text", "log": "text", "md": "text", "markdown": "text", "rst": "text",
    "csv": "text", "tsv": "text", "pdf": "pdf", "docx": "docx", "pptx": "pptx", "html": "html",
    "htm": "html",
}  # fmt: skip
"""The format as which a kind is read."""

_KINDS_BY_MEDIA_TYPE = {
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
}
_NOT_READ = frozenset({
    "7z", "aac", "ai", "avi", "bmp", "bz2", "doc", "dwg", "eml", "eps", "epub", "exe", "fig",
    "flac", "gif", "gz", "heic", "ico", "ics", "ipynb", "jar", "jpeg", "jpg", "js", "json",
    "key", "m4a", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "msg", "numbers", "odp", "ods",
    "odt", "ogg", "pages", "parquet", "pcap", "png", "ppt", "psd", "py", "rar", "rtf", "sketch",
    "sql", "svg", "tar", "tgz", "tif", "tiff", "vsd", "vsdx", "wav", "webm", "webp", "wmv",
    "xls", "xlsb", "xlsm", "xlsx", "xml", "yaml", "yml", "zip",
})  # fmt: skip
_MEDIA = frozenset({"audio", "image", "video"})


def kind_of(name: str, media_type: str = "") -> str:
    """Return the kind of a file by the ending of its name, or else by its media type."""
    ending = name.rpartition(".")[2].strip().lower() if "." in name else ""
    if ending in _READ or ending in _NOT_READ:
        return ending
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type in _KINDS_BY_MEDIA_TYPE:
        return _KINDS_BY_MEDIA_TYPE[media_type]
    whole = media_type.partition("/")[0]
    return whole if whole in _MEDIA else OTHER


def format_of(kind: str) -> str:
    """Return the format as which a kind is read; empty for a kind that is not."""
    return _READ.get(kind, "")
