"""A model folder is whole or refused."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from models import checkpoint
from models.checkpoint import DamagedModel
from models.fit import Fit, FitOptions
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved model."""
    fit = Fit("linear", TRAIN, VALIDATION, FitOptions())
    next(iter(fit))
    checkpoint.save(tmp_path / "v1", fit.best, TRAIN.item_ids, {"metrics": {"ndcg@10": 0.5}})
    return tmp_path / "v1"


def test_a_folder_holds_weights_and_one_document_and_nothing_is_left_beside_it(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "weights.safetensors"]
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DamagedModel, match=f"{name} is missing"):
        checkpoint.load(folder)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DamagedModel, match="cut short or altered"):
        checkpoint.load(folder)


def test_one_flipped_bit_in_the_weights_is_refused(folder: Path) -> None:
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(DamagedModel, match="does not match its checksum"):
        checkpoint.load(folder)


def test_an_edited_manifest_is_refused(folder: Path) -> None:
    document = json.loads((folder / "model.json").read_text())
    document["manifest"]["metrics"]["ndcg@10"] = 0.9
    (folder / "model.json").write_text(json.dumps(document))
    with pytest.raises(DamagedModel, match="it was altered"):
        checkpoint.load(folder)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '"model"', "\\ufffd"])
def test_a_document_that_is_no_model_is_refused(folder: Path, content: str) -> None:
    (folder / "model.json").write_text(content)
    with pytest.raises(DamagedModel):
        checkpoint.load(folder)


def test_a_format_of_the_future_is_refused(folder: Path) -> None:
    document = checkpoint.read_document(folder / "model.json")
    checkpoint.write_document(folder / "model.json", {**document, "format": 99})
    with pytest.raises(DamagedModel, match="does not know"):
        checkpoint.load(folder)


def test_a_version_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        checkpoint.save(folder, checkpoint.load(folder).model, TRAIN.item_ids, {})


@pytest.mark.parametrize("name", ["mean", "packed", "column_scale", "item_bias", "factors"])
def test_tensors_that_do_not_belong_together_are_refused_though_every_checksum_is_right(
    folder: Path, name: str
) -> None:
    tensors = load_file(folder / checkpoint.WEIGHTS)
    (folder / checkpoint.WEIGHTS).unlink()
    checkpoint.write_tensors(folder / checkpoint.WEIGHTS, tensors | {name: tensors[name][: len(tensors[name]) // 2]})
    document = checkpoint.read_document(folder / checkpoint.MANIFEST)
    document["files"][checkpoint.WEIGHTS] = checkpoint.describe(folder / checkpoint.WEIGHTS)
    checkpoint.write_document(folder / checkpoint.MANIFEST, document)
    with pytest.raises(DamagedModel, match="do not belong together"):
        checkpoint.load(folder)
