"""What programs call without Dagster: ask the index a question."""

from collections.abc import Sequence
from datetime import datetime

from vector_assets.core.errors import UsageError
from vector_assets.core.settings import load_settings, settings_of
from vector_assets.index.search import Answers
from vector_assets.index.search import find as search
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
    lancedb_uri: str = "",
    pinecone_index: str = "",
    pinecone_api_key: str = "",
    openai_api_key: str = "",
    openai_base_url: str = "",
) -> Answers:
    """Find the documents that answer a question, best first.

    Without `lancedb_uri` and `pinecone_index` the environment and a `.env` file say which index is
    asked, as for `vector-assets find`; with either, nothing else is read from the environment. The
    index itself knows which model its vectors were made with.

    Args:
        question: At least one word.
        sources: Only these sources, or namespaces of your own; all without.
        containers: Only these projects, channels or databases.
        since: Only documents active at this instant or later; with a time zone.
        until: Only documents last active before this instant; with a time zone.
        viewer: E-mail of the person who asks; without it, public documents only.
        limit: Most answers, at least 1.
        lancedb_uri: Folder or object store of a LanceDB index.
        pinecone_index: Name of a Pinecone index; needs `pinecone_api_key`.
        pinecone_api_key: Its key.
        openai_api_key: For an index that was filled through OpenAI's API.
        openai_base_url: Of a compatible server.

    Raises:
        UsageError: The question is empty, a source is unknown, the limit is below 1, an instant has
            no time zone, or two indexes are named.
        RetryableError: Neither the index nor the embedder can be used now.
        CredentialsError: The index or the embedder refuses its key.
        SettingsError: A key that is needed is missing.
        IndexMismatchError: The model that the index was filled with cannot be used.
    """
    if lancedb_uri and pinecone_index:
        raise UsageError("lancedb_uri and pinecone_index are both given: name one index")
    for name, instant in (("since", since), ("until", until)):
        if instant is not None and instant.tzinfo is None:
            raise UsageError(f"{name} is {instant.isoformat()} without a time zone: give it one")
    if isinstance(sources, str) or isinstance(containers, str):
        raise UsageError("sources and containers are lists of names: write sources=['jira']")
    if lancedb_uri or pinecone_index:
        settings = settings_of(
            vector_store="pinecone" if pinecone_index else "lancedb",
            lancedb_uri=lancedb_uri,
            pinecone_index=pinecone_index,
            pinecone_api_key=pinecone_api_key,
            openai_api_key=openai_api_key,
            openai_base_url=openai_base_url,
        )
    else:
        settings = load_settings()
    where = Filter(
        containers=tuple(containers),
        since=since.timestamp() if since else None,
        until=until.timestamp() if until else None,
        viewer=viewer.lower(),
    )
    return search(question, settings=settings, sources=sources, where=where, limit=limit)
