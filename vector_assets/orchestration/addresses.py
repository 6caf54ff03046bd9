"""Addresses that the UI shows: without logins, and without anything that may be a credential."""

from urllib.parse import urlsplit

from vector_assets.core.credentials import scrub
from vector_assets.core.settings import GivenSettings, Settings


def web_address(text: str) -> str:
    """Return a web address without login, query and fragment; empty when it is none."""
    address = _without_login(text.strip())
    return address if address.startswith(("http://", "https://")) else ""


def uri_of(namespace: str, settings: Settings) -> str:
    """Return the address of a namespace in the store, without login, query and fragment.

    Empty where only an environment variable holds it, which is read in a run.
    """
    field = "pinecone_index" if settings.vector_store == "pinecone" else "lancedb_uri"
    if isinstance(settings, GivenSettings) and field in settings.variables:
        return ""
    if settings.vector_store == "pinecone":
        return scrub(f"pinecone://{settings.pinecone_index}/{namespace}")
    store = _without_login(settings.lancedb_uri)
    return f"{store}/{namespace}" if store else ""


def _without_login(address: str) -> str:
    """Return an address without what may hold a credential; empty when it cannot be read."""
    if "://" not in address:
        return scrub(address.rstrip("/"))
    try:
        url = urlsplit(address)
    except ValueError:
        return ""
    bare = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="")
    return scrub(bare.geturl().rstrip("/"))
