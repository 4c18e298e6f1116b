"""Every setting: its name, what it may be, its default and what it is for."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from app.settings import Settings
from scripts.docs.markdown import table

SECTIONS = {  # heading: how the names of its settings begin
    "Database, store and server": (
        "database_",
        "model_store",
        "host",
        "port",
        "worker_port",
        "shutdown_",
        "poll_",
    ),
    "Proxies and browsers": ("root_path", "trusted_", "cors_", "allowed_"),
    "Limits": ("max_", "rate_limit", "refused_"),
    "Logs": ("log_",),
    "The rating scale": ("rating_", "like_"),
    "Models": ("model_kind", "tune_", "linear_", "device"),
    "Training": ("train_",),
    "Retention": ("keep_",),
}
TYPES = {str: "text", int: "whole number", float: "number", Path: "path", timedelta: "duration"}
HEAD = ("setting", "value", "default", "what it is")


def tables() -> str:
    """Return a table of settings for each section."""
    return "\n\n".join(f"## {heading}\n\n{table(HEAD, rows(heading))}" for heading in SECTIONS)


def rows(heading: str) -> Iterator[tuple[str, ...]]:
    """Return the rows of a section's settings, in the order in which the code declares them."""
    for name, field in Settings.model_fields.items():
        if section(name) == heading:
            yield f"`PALATE_{name.upper()}`", value(field), default(field), field.description or ""


def section(name: str) -> str:
    """Return the section that a setting belongs to."""
    return next(heading for heading, prefixes in SECTIONS.items() if name.startswith(prefixes))


def value(field: FieldInfo) -> str:
    """Return what a setting may be, with its bounds."""
    kind: Any = next((each for each in get_args(field.annotation) if each is not type(None)), field.annotation)
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(field.annotation))
    if get_origin(field.annotation) is list:
        return "texts with commas"
    return " ".join([TYPES[kind], *bounds(field)])


def bounds(field: FieldInfo) -> Iterator[str]:
    """Return the bounds of a number in words."""
    for bound in field.metadata:
        match bound:
            case Gt(gt=least):
                yield f"above {plain(least or 0)}"
            case Ge(ge=least):
                yield f"from {plain(least or 0)}"
            case Le(le=most):
                yield f"to {plain(most)}"


def default(field: FieldInfo) -> str:
    """Return a default as one would set it."""
    chosen = field.get_default(call_default_factory=True)
    if isinstance(chosen, list):
        chosen = ",".join(chosen)
    return "unset" if chosen in {None, ""} else f"`{plain(chosen)}`"


def plain(chosen: object) -> str:
    """Return a value as text: a duration as ISO 8601."""
    return str(TypeAdapter(type(chosen)).dump_python(chosen, mode="json"))
