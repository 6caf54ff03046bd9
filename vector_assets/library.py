"""What programs call without Dagster: ask the index a question."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from vector_assets.core.errors import UsageError
from vector_assets.core.settings import Settings, load_settings, settings_of
from vector_assets.index.answers import Answers
from vector_assets.index.confirm import Confirmer
from vector_assets.index.question.parsed import Kind, ParseOptions
from vector_assets.index.search import find as search
from vector_assets.index.targets import LiveIndex
from vector_assets.stores.base import Filter


def find(
    question: str,
    *,
    sources: Sequence[str] = (),
    containers: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    viewer: str = "",
    limit: int = 10,
    literal: bool = False,
    ignore: Sequence[str] = (),
    confirm: bool = False,
    lancedb_uri: str = "",
    pinecone_index: str = "",
    pinecone_api_key: str = "",
    openai_api_key: str = "",
    openai_base_url: str = "",
) -> Answers:
    """Find the documents that answer a question, best first.

    Without `lancedb_uri` and `pinecone_index` the environment and a `.env` file say which index is
    asked, as for `vector-assets find`; with either, nothing else is read from the environment,
    except what `confirm` needs. The index itself knows which model its vectors were made with.

    - `sources`: Only these sources, or namespaces of your own; all without.
    - `containers`: Only these projects, channels or databases.
    - `since`: Only documents active at this instant or later; with a time zone.
    - `until`: Only documents last active before this instant; with a time zone.
    - `viewer`: E-mail of the person who asks; without it, public documents only.
    - `literal`: Take the question word for word, without reading times, names and places out of it.
    - `ignore`: Kinds that stay words in it, such as `time`; `Answers.understood` names them.
    - `confirm`: Ask each document's source, with the credentials of the environment, whether it
      still stands; what is deleted or hidden there is left out. `Answers.confirmation` tells.
    - `openai_api_key`: For an index that was filled through OpenAI's API.

    Raises:
        UsageError: An argument is wrong, such as an unknown source.
        RetryableError: Neither the index nor the embedder can be used now.
        FatalError: A key is missing or refused, or the model of the index cannot be used.
    """
    if isinstance(sources, str) or isinstance(containers, str):
        raise UsageError("sources and containers are lists of names: write sources=['jira']")
    start, end = _seconds("since", since), _seconds("until", until)
    where = Filter(containers=tuple(containers), since=start, until=end, viewer=viewer.lower())
    options = _parse_options(ignore, literal=literal)
    given = {"lancedb_uri": lancedb_uri, "pinecone_index": pinecone_index,
             "pinecone_api_key": pinecone_api_key, "openai_api_key": openai_api_key,
             "openai_base_url": openai_base_url}  # fmt: skip
    answers, index = _searched(question, _settings(given), sources, where, limit, options)
    return _confirmer(load_settings()).confirm(answers, index) if confirm else answers


def _searched(
    question: str,
    settings: Settings,
    sources: Sequence[str],
    where: Filter,
    limit: int,
    options: ParseOptions,
) -> tuple[Answers, LiveIndex]:
    """Return the answers, and the index that was asked."""
    index = LiveIndex(settings)
    answers = search(question, settings=settings, sources=sources, where=where, limit=limit,
                     index=index, parse_options=options)  # fmt: skip
    return answers, index


_opening = threading.Lock()
_opened: list[tuple[Settings, Confirmer]] = []


def _confirmer(settings: Settings) -> Confirmer:
    """Return the same one while the settings are the same: the sources' rate limits are in it."""
    with _opening:
        if not _opened or _opened[0][0] != settings:
            _opened[:] = [(settings, Confirmer(settings))]
        return _opened[0][1]


def _parse_options(ignore: Sequence[str], *, literal: bool) -> ParseOptions:
    known = tuple(Kind)
    if isinstance(ignore, str) or (unknown := [kind for kind in ignore if kind not in known]):
        named = ignore if isinstance(ignore, str) else ", ".join(unknown)
        raise UsageError(f"ignore is {named}: give a list of {', '.join(known)}")
    return ParseOptions.of(literal=literal, ignore=ignore)


def _settings(given: Mapping[str, str]) -> Settings:
    if given["lancedb_uri"] and given["pinecone_index"]:
        raise UsageError("lancedb_uri and pinecone_index are both given: name one index")
    if not given["lancedb_uri"] and not given["pinecone_index"]:
        return load_settings()
    return settings_of(vector_store="pinecone" if given["pinecone_index"] else "lancedb", **given)


def _seconds(name: str, instant: datetime | None) -> float | None:
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise UsageError(f"{name} is {instant.isoformat()} without a time zone: give it one")
    return instant.timestamp()
