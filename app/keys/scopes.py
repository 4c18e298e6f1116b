"""Keys and scopes: the one decision about who may call what."""

import hashlib
import ipaddress
import secrets
from collections.abc import Collection
from enum import StrEnum

OPEN_PATHS = {"/", "/health/live", "/health/ready", "/docs", "/openapi.json"}
OPEN_FILES = ("/console/", "/docs/")  # of the two pages
READING_METHODS = {"GET", "HEAD", "OPTIONS"}
READING_POSTS = {"/v1/recommendations", "/v1/recommendations/batch", "/v1/predictions", "/v1/questions", "/v1/replays"}
METRICS_PATH = "/metrics"
EXPORT_PATHS = "/v1/exports/"
ADMIN_PATHS = ("/v1/training-runs", "/v1/models", "/v1/experiments")


class Scope(StrEnum):
    """What a key allows; each scope stands alone."""

    READ = "read"  # GETs but exports, and recommendations for posted ratings
    WRITE = "write"  # change ratings and items
    EXPORT = "export"  # all ratings and items at once: with `read`, ratings are read of one named user at a time
    ADMIN = "admin"  # start and stop training and experiments, activate models
    METRICS = "metrics"  # the figures at /metrics, which `read` may read, too


def required_scope(method: str, path: str) -> Scope | None:
    """Return which scope a call needs; None for the few paths that are open. What is not listed needs `write`."""
    if path in OPEN_PATHS or path.startswith(OPEN_FILES):
        return None
    if path == METRICS_PATH and method in READING_METHODS:
        return Scope.METRICS
    if path.startswith(EXPORT_PATHS):
        return Scope.EXPORT
    if method in READING_METHODS or (method == "POST" and is_reading(path)):
        return Scope.READ
    return Scope.ADMIN if path.startswith(ADMIN_PATHS) else Scope.WRITE


def allows(scopes: Collection[str], scope: Scope) -> bool:
    """Return whether a key with these scopes may make a call that needs ``scope``."""
    return scope in scopes or (scope is Scope.METRICS and Scope.READ in scopes)


def is_reading(path: str) -> bool:
    """Return whether a POST there stores nothing."""
    return path in READING_POSTS or (path.startswith("/v1/users/") and path.endswith("/what-if"))


def new_key() -> str:
    """Make a key of 256 random bits."""
    return "palate_" + secrets.token_urlsafe(32)


def hash_key(key: bytes) -> str:
    """Hash a key for storage. A key is random, not a password, so one round of SHA-256 cannot be reversed.

    Keys are looked up by this hash, so the time of a look-up tells nothing about a key.
    """
    return hashlib.sha256(key).hexdigest()


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
