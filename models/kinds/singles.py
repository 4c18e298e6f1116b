"""The kinds of autoencoder that are not blends of others.

A new kind is one file, one line here and one in `names`, which has their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.core.model import Model
from models.fitting.fitter import Fitter
from models.kinds.basic import BasicAutoencoder, BasicConfig, BasicFitter
from models.kinds.contractive import ContractiveAutoencoder, ContractiveConfig, ContractiveFitter
from models.kinds.deep import DeepAutoencoder, DeepConfig, DeepFitter
from models.kinds.denoising import DenoisingAutoencoder, DenoisingConfig, DenoisingFitter
from models.kinds.linear import LinearAutoencoder, LinearConfig, LinearFitter
from models.kinds.lowrank import LowRankAutoencoder, LowRankConfig, LowRankFitter
from models.kinds.names import SINGLE_KINDS
from models.kinds.sparse import SparseAutoencoder, SparseConfig, SparseFitter
from models.kinds.stacked import StackedAutoencoder, StackedConfig, StackedFitter
from models.kinds.variational import VariationalAutoencoder, VariationalConfig, VariationalFitter


@dataclass(frozen=True)
class Kind:
    """One kind: the classes of its hyper-parameters, its model and its fitter."""

    config: type[object]
    model: type[Model]
    fitter: type[Fitter]

    @property
    def starts_warm(self) -> bool:
        """Whether a fit can start from another model's weights."""
        return self.fitter.starts_warm


CLASSES = (
    Kind(BasicConfig, BasicAutoencoder, BasicFitter),
    Kind(ContractiveConfig, ContractiveAutoencoder, ContractiveFitter),
    Kind(DeepConfig, DeepAutoencoder, DeepFitter),
    Kind(DenoisingConfig, DenoisingAutoencoder, DenoisingFitter),
    Kind(LinearConfig, LinearAutoencoder, LinearFitter),
    Kind(LowRankConfig, LowRankAutoencoder, LowRankFitter),
    Kind(SparseConfig, SparseAutoencoder, SparseFitter),
    Kind(StackedConfig, StackedAutoencoder, StackedFitter),
    Kind(VariationalConfig, VariationalAutoencoder, VariationalFitter),
)
SINGLES: Mapping[str, Kind] = {
    kind.model.kind: kind for kind in sorted(CLASSES, key=lambda kind: SINGLE_KINDS.index(kind.model.kind))
}
