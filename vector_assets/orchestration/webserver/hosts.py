"""Hosts and origins as HTTP headers and settings name them."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from vector_assets.core.errors import SettingsError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_.-]+)(?::([0-9]{0,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535


class Host(NamedTuple):
    """A host and a port.

    Attributes:
        name: In lower case, without a trailing dot; an address in its canonical form, without
            brackets.
        port: None where none is named.
    """

    name: str
    port: int | None


def parse_host(text: str) -> Host | None:
    """Parse the value of a `Host` header; None when it is not one host, with or without a port."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    name, port = match[1].strip("[]"), int(match[2]) if match[2] else None
    # Only an IPv6 address stands in brackets.
    if (port or 0) > _MAX_PORT or (match[1].startswith("[") and not _is_ipv6(name)):
        return None
    name = canonical(name)
    return Host(name, port) if name else None


def canonical(name: str) -> str:
    """Return a host name or address as it is compared."""
    name = name.lower().removesuffix(".").partition("%")[0]
    try:
        address = ip_address(name)
    except ValueError:
        return name
    # A socket for both families names its IPv4 clients ::ffff:127.0.0.1.
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_ipv6(name: str) -> bool:
    try:
        IPv6Address(name)
    except ValueError:
        return False
    return True


def is_same_origin(origin: str, host: Host) -> bool:
    """Whether an `Origin` header names the server that a `Host` header names.

    The scheme is not compared: behind a proxy that ends TLS, only the browser knows it.
    """
    scheme, separator, authority = origin.partition("://")
    default_port = _DEFAULT_PORTS.get(scheme.lower())
    page = parse_host(authority)
    if not separator or default_port is None or page is None:
        return False
    return page.name == host.name and (page.port or default_port) == (host.port or default_port)


def allowed_hosts(bound_host: str, dagster_url: str, others: Iterable[str]) -> frozenset[str]:
    """Return the names under which the webserver answers.

    Args:
        bound_host: Where it listens.
        dagster_url: Where people and `serve` reach it.
        others: Hosts or URLs of `DAGSTER_ALLOWED_HOSTS`.

    Raises:
        SettingsError: One of `others` is neither a host nor a URL.
    """
    names = {canonical(bound_host.strip("[]")), canonical(urlsplit(dagster_url).hostname or "")}
    for entry in others:
        authority = urlsplit(entry).netloc.rpartition("@")[2] if "://" in entry else entry
        # ::1 without brackets is no valid Host header, but people write it.
        host = parse_host(authority) or parse_host(f"[{authority}]")
        if host is None:
            raise SettingsError(
                f"DAGSTER_ALLOWED_HOSTS names {entry!r}: set it to hosts or URLs, separated by "
                f"commas, such as dagster.example.com (no wildcards)"
            )
        names.add(host.name)
    return frozenset(names - {""}) | LOOPBACK
