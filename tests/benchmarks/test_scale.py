"""What a fit holds in memory, each in a process of its own."""

from typing import Any

import pytest

from benchmarks.scale import measure_alone
from benchmarks.synthetic import Synthetic
from models.fit import FitOptions

SPEC = Synthetic(users=2_500, items=40_000, ratings=12_500)
DENSE_MIB = SPEC.users * SPEC.items * 4 / 2**20


@pytest.mark.parametrize(
    ("kind", "config"),
    [("lowrank", {"num_factors": 8}), ("basic", {"num_hidden": 8}), ("denoising", {"num_hidden": 8})],
)
def test_a_fit_never_holds_users_times_items(kind: str, config: dict[str, Any]) -> None:
    figures = measure_alone(SPEC, kind, FitOptions(epochs=1, batch_size=32, device="cpu"), config)
    assert figures["peak MiB"] - figures["MiB before"] < DENSE_MIB / 2
    assert figures["users"] * figures["items"] * 4 / 2**20 > 0.9 * DENSE_MIB
