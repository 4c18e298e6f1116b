"""A path prefix under which a proxy shows Palate, whether the proxy cuts it off or not."""

from functools import lru_cache

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.public_address import check_prefix


class Prefixes:
    """Finds the prefix of each request: from a proxy that is trusted, or the one that is set.

    Args:
        root_path: of the settings.
        trusted_proxies: addresses and networks, as uvicorn takes them.
    """

    def __init__(self, root_path: str, trusted_proxies: list[str]) -> None:
        self.root_path = root_path
        self._trusted = ProxyHeadersMiddleware(None, "*" if "*" in trusted_proxies else trusted_proxies).trusted_hosts  # type: ignore[arg-type]

    def of(self, scope: Scope, forwarded: bytes | None) -> str:
        """Return a request's prefix; what a proxy says that is none is passed over."""
        client = scope.get("client")
        if forwarded is None or client is None or client[0] not in self._trusted:
            return self.root_path
        return read_forwarded(forwarded) or self.root_path


@lru_cache(maxsize=64)
def read_forwarded(header: bytes) -> str:
    """Read `X-Forwarded-Prefix`; of several proxies, the outermost stands first and the others follow it."""
    try:
        return "".join(check_prefix(part.strip()) for part in header.decode("latin-1").split(","))
    except ValueError:
        return ""


def remove_prefix(scope: Scope, prefix: str) -> None:
    """Make a request as if it had come without the prefix; the page and the documentation link with it."""
    path, raw, encoded = scope["path"], scope.get("raw_path") or b"", prefix.encode()
    if path == prefix or path.startswith(prefix + "/"):
        path, raw = path[len(prefix) :] or "/", raw[len(encoded) :] or b"/"
    scope.update(path=path, raw_path=raw, root_path=prefix)
