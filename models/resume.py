"""A fit in progress as a folder: checkpoint.json names the one weights file that belongs to it. Never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from safetensors.torch import load_file
from torch import Tensor

from models.checkpoint import DamagedModel, check, describe, read_document, write_document, write_tensors
from models.fitting.fitter import WarmStart
from models.fitting.training_loop import EpochReport

DOCUMENT = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A fit as it was left.

    Attributes:
        now: the weights of the last epoch.
        best: the weights of the best one; those of the last while there is no best.
        state: what the fitter gave beside them.
        figures: what the fitter found out.
        reports: every epoch so far.
    """

    now: WarmStart
    best: WarmStart
    state: dict[str, Tensor]
    figures: dict[str, float]
    reports: list[EpochReport]


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], document: Mapping[str, object]) -> None:
    """Write tensors with a document; the one before stays whole until this one is."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"weights-{uuid4().hex}.safetensors"
    write_tensors(weights, tensors)
    write_document(folder / DOCUMENT, {**document, "files": {weights.name: describe(weights)}})
    for other in folder.glob("weights-*.safetensors"):
        if other != weights:
            other.unlink()


def read_checkpoint(folder: Path, kind: str) -> Checkpoint | None:
    """Read a checkpoint; None if the folder holds none.

    Raises:
        DamagedModel: if it is damaged or of another kind.
    """
    if not (folder / DOCUMENT).exists():
        return None
    document = read_document(folder / DOCUMENT)
    if document["kind"] != kind:
        raise DamagedModel(f"{folder} holds a checkpoint of a {document['kind']} model, not of {kind}")
    tensors = _checked(folder, document)
    now = _part(tensors, "now.")
    config, item_ids = document["config"], document["item_ids"]
    return Checkpoint(
        now=WarmStart(now, config, item_ids),
        best=WarmStart(_part(tensors, "best.") or now, config, item_ids),
        state=_part(tensors, "state."),
        figures=document["figures"],
        reports=[EpochReport(**report) for report in document["reports"]],
    )


def read_tensors(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read what `write_checkpoint` wrote; None if the folder holds nothing of it.

    Raises:
        DamagedModel: if it is damaged.
    """
    if not (folder / DOCUMENT).exists():
        return None
    document = read_document(folder / DOCUMENT)
    return _checked(folder, document), document


def _checked(folder: Path, document: Mapping[str, Any]) -> dict[str, Tensor]:
    check(folder, document["files"])
    return load_file(folder / next(iter(document["files"])))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
