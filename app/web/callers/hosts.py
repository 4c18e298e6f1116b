"""Whose calls a server without a key takes: those made by its own names, from its own pages or from no page.

A name of another site can be made to point to this machine (DNS rebinding). Its pages are then of the same origin for a
browser, and only the header Host tells.
"""

from functools import lru_cache
from ipaddress import ip_address

from app.kit.errors import CrossSite, HostRefused, PalateError
from app.settings import Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
EVERYTHING = "/v1/exports/"
HEALTH = "/health/"
OWN_PAGES = {b"same-origin", b"none"}  # of Sec-Fetch-Site, which no page can set


class Hosts:
    """Refuses calls by names that are not the server's, and those of other sites' pages."""

    def __init__(self, settings: Settings) -> None:
        self._names = {name.lower() for name in settings.allowed_hosts}
        self._origins = {origin.encode() for origin in settings.cors_origins}
        self._is_own = lru_cache(maxsize=256)(self._find_out)

    def refusal(self, method: str, path: str, headers: dict[bytes, bytes]) -> PalateError | None:
        """Return why a call without a key is refused, or None."""
        host = headers.get(b"host")
        if host is not None and not self._is_own(host) and not path.startswith(HEALTH):
            name = host.decode("latin-1")[:100]
            return HostRefused(
                f"{name!r} is none of this server's names: add it to PALATE_ALLOWED_HOSTS, or make a key."
            )
        is_harmless = method in SAFE_METHODS and not path.startswith(EVERYTHING)
        if is_harmless or not self._is_foreign(headers):
            return None
        origin = headers.get(b"origin", b"").decode("latin-1")[:100]
        if b"sec-fetch-site" in headers or not origin:
            return CrossSite()
        name = name_of(origin.partition("://")[2].encode())  # behind a proxy of plain HTTP browsers do not say whose
        return CrossSite(f"{CrossSite.title()} If {name!r} is a name of this server, add it to PALATE_ALLOWED_HOSTS.")

    def _is_foreign(self, headers: dict[bytes, bytes]) -> bool:
        """Return whether a page of another site makes a call."""
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if b"x-api-key" in headers or site in OWN_PAGES or origin in self._origins:
            return False
        if origin is None:
            return site == b"cross-site"
        _, _, host = origin.partition(b"://")
        return host != headers.get(b"host") and name_of(host) not in self._names

    def _find_out(self, host: bytes) -> bool:
        name = name_of(host)
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False


def name_of(host: bytes) -> str:
    """Return the name or address of a header Host, without the port and without the brackets of IPv6."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")
