"""The registry of kinds and their names, which small commands read without PyTorch."""

from models.kinds.names import KIND_NAMES, SINGLE_KINDS
from models.kinds.registry import KINDS
from models.kinds.singles import SINGLES


def test_every_kind_is_listed_by_name_in_the_order_of_the_registry() -> None:
    assert tuple(SINGLES) == SINGLE_KINDS
    assert tuple(KINDS) == KIND_NAMES


def test_every_model_has_the_name_of_its_kind() -> None:
    assert {name: kind.model.kind for name, kind in KINDS.items()} == {name: name for name in KIND_NAMES}
