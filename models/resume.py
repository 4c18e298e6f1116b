"""Checkpoints of fits in progress: a folder with checkpoint.json, which names its weights file. Never pickle."""

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


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of an interrupted fit.

    Attributes:
        latest: weights of the last epoch.
        best: weights of the best epoch; those of the last if there is no best yet.
        state: of the fitter, besides the weights.
        figures: of the fitter.
        reports: of every epoch so far.
    """

    latest: WarmStart
    best: WarmStart
    state: dict[str, Tensor]
    figures: dict[str, float]
    reports: list[EpochReport]


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], document: Mapping[str, object]) -> None:
    """Write tensors with a document; the previous checkpoint stays whole until this one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"weights-{uuid4().hex}.safetensors"
    write_tensors(weights, tensors)
    write_document(folder / DOCUMENT, {**document, "files": {weights.name: describe(weights)}})
    for other in folder.glob("weights-*.safetensors"):
        if other != weights:
            other.unlink()


def read_checkpoint(folder: Path, kind: str) -> Checkpoint | None:
    """Read a checkpoint; None if the folder has none.

    Raises:
        DamagedModel: if it is damaged or of another kind.
    """
    if not (folder / DOCUMENT).exists():
        return None
    document = read_document(folder / DOCUMENT)
    if document["kind"] != kind:
        raise DamagedModel(f"{folder} holds a checkpoint of a {document['kind']} model, not of {kind}")
    tensors = _load_weights(folder, document)
    latest = _strip_prefix(tensors, "now.")
    config, item_ids = document["config"], document["item_ids"]
    return Checkpoint(
        latest=WarmStart(latest, config, item_ids),
        best=WarmStart(_strip_prefix(tensors, "best.") or latest, config, item_ids),
        state=_strip_prefix(tensors, "state."),
        figures=document["figures"],
        reports=[EpochReport(**report) for report in document["reports"]],
    )


def read_tensors(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read what `write_checkpoint` wrote; None if the folder has no checkpoint.

    Raises:
        DamagedModel: if it is damaged.
    """
    if not (folder / DOCUMENT).exists():
        return None
    document = read_document(folder / DOCUMENT)
    return _load_weights(folder, document), document


def _load_weights(folder: Path, document: Mapping[str, Any]) -> dict[str, Tensor]:
    check(folder, document["files"])
    return load_file(folder / next(iter(document["files"])))


def _strip_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
