"""Checks that need no database: versions, the model store, the disk, the port."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from difflib import get_close_matches
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path

from app.address import PostgresAddress, SqliteAddress, parse_address
from app.launch.demo import base_url, fetch
from app.launch.doctor.finding import Finding, Level, gigabytes
from app.launch.port import listen
from app.settings import Settings

MIN_FREE_BYTES = 1_000_000_000
SIMILAR = 0.85  # names, of 1


def check_versions() -> Finding:
    """Return which versions run here."""
    found = f"palate {version('palate')}, Python {platform.python_version()}, torch {version('torch')}"
    return Finding("versions", Level.OK, found)


def check_names() -> Iterator[Finding]:
    """Return the variables whose names look like those of settings, and are none."""
    known = [f"PALATE_{name}".upper() for name in Settings.model_fields]
    for name in sorted(os.environ):
        stem = name.removesuffix("_FILE")
        if not name.startswith("PALATE_") or stem in known:
            continue
        if meant := get_close_matches(stem, known, 1, SIMILAR):
            yield Finding("settings", Level.MEND, f"{name} is none", f"write {meant[0]} if that is meant")


def check_store(store: Path) -> Finding:
    """Return whether models can be kept; a probe file is written and removed."""
    if not store.exists():
        if store_parent(store).is_dir() and is_writable(store_parent(store)):
            return Finding("store", Level.NOTE, f"{store} does not exist yet; the first training makes it")
        return Finding("store", Level.MEND, f"{store} cannot be made", "make it, or set PALATE_MODEL_STORE")
    if not store.is_dir():
        return Finding("store", Level.MEND, f"{store} is not a folder", "set PALATE_MODEL_STORE")
    if not is_writable(store):
        advice = "let the trainer's user write there, or set PALATE_MODEL_STORE"
        return Finding("store", Level.MEND, f"{store} cannot be written", advice)
    return Finding("store", Level.OK, f"{store} is writable")


def is_there(path: Path) -> bool:
    """Return whether a path is there; one in a folder that may not be entered is not."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises PermissionError


def store_parent(path: Path) -> Path:
    """Return the closest folder that exists."""
    return next(parent for parent in path.absolute().parents if is_there(parent))


def is_writable(folder: Path) -> bool:
    """Return whether a file can be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".palate-doctor-") as probe:
            probe.write(b"probe")
    except OSError:
        return False
    return True


def check_disks(settings: Settings) -> Iterator[Finding]:
    """Return how much room there is for the models, and for the database if it is a file."""
    address = parse_address(settings.database_url)
    places = {"models": settings.model_store} | (
        {"database": address.path} if isinstance(address, SqliteAddress) else {}
    )
    for name, place in places.items():
        folder = place if place.is_dir() else store_parent(place)
        usage = shutil.disk_usage(folder)
        found = f"{gigabytes(usage.free)} of {gigabytes(usage.total)} free for the {name}"
        enough = usage.free >= MIN_FREE_BYTES
        advice = "" if enough else f"free at least {gigabytes(MIN_FREE_BYTES)} on the disk of {folder}"
        yield Finding("disk", Level.OK if enough else Level.MEND, found, advice)


def check_port(settings: Settings) -> Finding:
    """Return whether the port is free, or this Palate's already."""
    where = f"{settings.host}:{settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except OSError as error:
        return check_listener(settings, where, (error.strerror or str(error)).lower())
    return Finding("port", Level.OK, f"{where} is free; no server runs there")


def check_listener(settings: Settings, where: str, reason: str) -> Finding:
    """Return who has the port."""
    try:
        status, ready = fetch(f"{base_url(settings)}/health/ready")
    except (HTTPException, ValueError):  # no HTTP, no JSON
        status, ready = 0, None
    if not isinstance(ready, dict) or "model_version" not in ready:
        return Finding("port", Level.MEND, f"{where}: {reason}", "stop what is there, or set PALATE_PORT")
    if status == 200 and ready["status"] == "ok":
        return Finding("port", Level.OK, f"{where} has a Palate that is ready, with {ready['model_version']}")
    found = f"{where} has a Palate that is {ready['status']}: {ready['problem'] or 'database ' + ready['database']}"
    return Finding("port", Level.MEND, found, "see the lines below, and the server's log")


def show_address(url: str) -> str:
    """Write the database's address without a password."""
    address = parse_address(url)
    if isinstance(address, PostgresAddress):
        hosts = ",".join(f"{host}:{port}" for host, port in address.hosts) or "the default host"
        return f"PostgreSQL {address.database or ''} at {hosts}".replace("  ", " ")
    return f"SQLite {address.path}"
