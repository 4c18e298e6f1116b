"""Models stored as folders: weights.safetensors and model.json, with checksums. Never pickle.

A folder is created atomically: it is written under a temporary name, flushed to disk, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.core.interactions import RatingScale
from models.core.model import Model
from models.kinds.registry import KINDS

FORMAT = 1
WEIGHTS = "weights.safetensors"
MANIFEST = "model.json"
MAX_TRIED = 64  # ratings of the user who is answered when a model is loaded


class DamagedModel(ValueError):
    """A file of a model folder is missing, was cut short or was altered; the message says which."""


@dataclass(frozen=True)
class Loaded:
    """A model with the vocabulary of its columns.

    Attributes:
        model: ready to serve, on the CPU.
        item_ids: the caller's id of each column (I).
        manifest: further data given to `save` (metrics, watermark, ...).
    """

    model: Model
    item_ids: Sequence[str]
    manifest: dict[str, Any]


def save(
    folder: Path,
    model: Model,
    item_ids: Sequence[str],
    manifest: Mapping[str, object],
    *,
    beside: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write a model to a new folder.

    Args:
        folder: must not exist yet; its parent is created.
        model: any kind of `models.kinds.registry.KINDS`.
        item_ids: the id of each column (I).
        manifest: any JSON data, returned by `load`.
        beside: further files of tensors, by file name; `load` checks them, `load_beside` reads one.

    Raises:
        FileExistsError: if the folder exists.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists: a version is never overwritten")
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex}.tmp")
    temporary.mkdir(parents=True)
    try:
        files = {WEIGHTS: model.tensors(), **(beside or {})}
        for name, tensors in files.items():
            write_tensors(temporary / name, tensors)
        document = {
            "format": FORMAT,
            "kind": model.kind,
            "config": asdict(cast("Any", model.config)),
            "scale": asdict(model.scale),
            "item_ids": list(item_ids),
            "manifest": dict(manifest),
            "files": {name: describe(temporary / name) for name in files},
        }
        write_document(temporary / MANIFEST, document)
        flush(temporary)
        temporary.rename(folder)
        flush(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load(folder: Path) -> Loaded:
    """Read a model folder after checking every checksum, and whether the model can answer.

    Raises:
        DamagedModel: if a file is missing, cut short or altered, the kind or format is unknown to this version, or its
            tensors do not belong together.
    """
    document = read_document(folder / MANIFEST)
    if document.get("format") != FORMAT or document.get("kind") not in KINDS:
        raise DamagedModel(f"{MANIFEST} describes a format or kind that this version of Palate does not know")
    check(folder, document["files"])
    # Copied into our own memory: a mapped file that is cut short later would kill the process that serves from it.
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / WEIGHTS).items()}
    kind, scale, item_ids = KINDS[document["kind"]].model, RatingScale(**document["scale"]), document["item_ids"]
    try:
        model = kind.from_tensors(document["config"], scale, tensors)
        try_out(model, len(item_ids))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise DamagedModel(f"{folder} holds tensors that do not belong together: {error}") from error
    return Loaded(model, item_ids, document["manifest"])


def try_out(model: Model, num_items: int) -> None:
    """Let a model answer for a user who rated items from the first to the last column.

    Raises:
        ValueError: if an answer has another shape, or figures that are none. Whatever else the model raises.
    """
    columns = np.unique(np.linspace(0, num_items - 1, min(num_items, MAX_TRIED), dtype=np.int32))
    values = np.full(len(columns), model.scale.maximum, np.float32)
    expected = {"scores": (model.preference_row(columns, values), num_items)}
    expected["ratings"] = (model.rating_row(columns, values, np.arange(num_items, dtype=np.int32)), num_items)
    for name, (answer, length) in expected.items():
        if answer.shape != (length,) or not np.isfinite(answer).all():
            raise ValueError(f"{name} of shape {answer.shape} for {length} items, or not finite")


def load_beside(folder: Path, name: str) -> dict[str, Tensor]:
    """Read one of the further files given to `save`.

    Raises:
        DamagedModel: if it is missing, cut short or altered, or was never saved.
    """
    described = read_document(folder / MANIFEST)["files"].get(name)
    if described is None:
        raise DamagedModel(f"it was written without {name}")
    check(folder, {name: described})
    return {key: tensor.clone() for key, tensor in load_file(folder / name).items()}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a new file and flush it to disk."""
    contiguous: dict[str, Tensor] = {}
    seen = set[int]()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        contiguous[name] = own.clone() if own.data_ptr() in seen else own  # safetensors refuses shared memory
        seen.add(contiguous[name].data_ptr())
    save_file(contiguous, path)
    flush(path)


def write_document(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON document with its own checksum, replacing an existing one atomically."""
    sealed = {**document, "checksum": checksum_of(document)}
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    temporary.write_text(json.dumps(sealed, ensure_ascii=True), encoding="utf-8")
    flush(temporary)
    temporary.replace(path)
    flush(path.parent)


def read_document(path: Path) -> dict[str, Any]:
    """Read a document written by `write_document` and verify its checksum.

    Raises:
        DamagedModel: if it is missing, cut short or altered.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        checksum = document.pop("checksum")
    except FileNotFoundError as error:
        raise DamagedModel(f"{path.name} is missing") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedModel(f"{path.name} cannot be read: it was cut short or altered") from error
    if checksum != checksum_of(document):
        raise DamagedModel(f"{path.name} does not match its own checksum: it was altered")
    return cast("dict[str, Any]", document)


def describe(path: Path) -> dict[str, object]:
    """Return size and SHA-256 of a file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def check(folder: Path, files: Mapping[str, Mapping[str, object]]) -> None:
    """Compare the files of a folder with their descriptions from when they were written (`describe`).

    Raises:
        DamagedModel: if a file is missing or differs, with its name.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise DamagedModel(f"{path.name} is missing")
        try:
            found = describe(path)
        except OSError as error:
            raise DamagedModel(f"{path.name} cannot be read: {error.strerror}") from error
        if found != expected:
            raise DamagedModel(f"{path.name} does not match its checksum: it was cut short or altered")


def checksum_of(document: Mapping[str, object]) -> str:
    """Return the SHA-256 of a document's canonical JSON."""
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def flush(path: Path) -> None:
    """Flush a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
