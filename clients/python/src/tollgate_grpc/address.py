"""Where a client connects: one grammar, the same in every language."""

from __future__ import annotations

import re

PORT = 50051
_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"(https?)://|(dns):(?:///)?|(unix):(?://)?", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LOOPBACK = re.compile(r"unix:.*|(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+")
_EXPECTED = (
    "expected host, host:port, [IPv6]:port, http://host:port, https://host:port, dns:host:port"
    " or unix:/path"
)


def parse_address(address: str, tls: bool) -> tuple[str, bool]:
    """Gives what gRPC dials, `host:port` or `unix:/path`, and whether with TLS.

    The port is 50051 where none is said, with http 80 and with https 443. Raises `ValueError` for
    what is no address; that is not shown, as there may be a password in it.
    """
    found = _SCHEME.match(address)
    scheme = (found[1] or found[2] or found[3]).lower() if found else ""
    rest = address[found.end() :] if found else address
    if "@" in rest:
        raise _no_address("it has user information: give the token as token")
    if tls and scheme in ("http", "unix"):
        raise _no_address(f"{scheme} is plaintext, and tls is set")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise _no_address("a socket is named by its whole path")
        return f"unix:{rest}", False
    if scheme in _PORTS:
        rest = rest.removesuffix("/")
    parts = _HOST.fullmatch(rest)
    port = int(parts[2] or _PORTS.get(scheme, PORT)) if parts else 0
    if not parts or not 1 <= port <= 65_535:
        raise _no_address("it is not a host and a port from 1 to 65535")
    return f"{parts[1]}:{port}", tls or scheme == "https"


def is_loopback(target: str) -> bool:
    """Says whether what is sent there stays on this machine."""
    return _LOOPBACK.fullmatch(target) is not None


def _no_address(why: str) -> ValueError:
    return ValueError(f"the address cannot be dialled: {why}; {_EXPECTED}")
