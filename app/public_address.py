"""How Palate is seen from outside: the proxies, their path prefix, and the sites whose pages may call it."""

import re
from ipaddress import ip_address, ip_network

PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
OWN_PATHS = {"console", "docs", "health", "metrics", "openapi.json", "v1"}  # where Palate's own begin
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|\[?[0-9A-Fa-f:]+\]?")
ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?")


def check_prefix(prefix: str) -> str:
    """Return a prefix without a slash at its end.

    Raises:
        ValueError: if it is none, or could be taken for a path of Palate's own.
    """
    prefix = prefix.rstrip("/")
    if prefix and not PREFIX.fullmatch(prefix):
        raise ValueError(f"must be a path like /palate, not {prefix!r}")
    if prefix and prefix.split("/")[1] in OWN_PATHS:
        raise ValueError(f"must not begin like a path of Palate's own, as {prefix!r} does")
    return prefix


def check_proxy(proxy: str) -> str:
    """Return the address or network of a proxy.

    Raises:
        ValueError: if it is neither.
    """
    try:
        return proxy if proxy == "*" else str(ip_network(proxy)) if "/" in proxy else str(ip_address(proxy))
    except ValueError:
        raise ValueError(f"must be an address, a network like 10.0.0.0/8, or *, not {proxy!r}") from None


def check_name(name: str) -> str:
    """Return the name of a host.

    Raises:
        ValueError: if it is none.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"must be a name like shop.example.org, without http:// and path, not {name!r}")
    return name


def check_listening(host: str) -> str:
    """Return the address to listen on, or the name of one.

    Raises:
        ValueError: if it is neither.
    """
    if not NAME.fullmatch(host.partition("%")[0]) or host.startswith("["):  # fe80::1%eth0
        raise ValueError(f"must be an address like 127.0.0.1, 0.0.0.0 or ::1, without port and http://, not {host!r}")
    return host


def check_origin(origin: str) -> str:
    """Return an origin as browsers send it.

    Raises:
        ValueError: if it is none.
    """
    origin = origin.rstrip("/").lower()
    if origin != "*" and not ORIGIN.fullmatch(origin):
        raise ValueError(f"must be like https://shop.example.org, without a path, or *, not {origin!r}")
    return origin
