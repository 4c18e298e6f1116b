"""The kinds of autoencoder that are not blends of others. A new kind is one file, one line here and one in `names`."""

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


SINGLES: Mapping[str, Kind] = {
    "linear": Kind(LinearConfig, LinearAutoencoder, LinearFitter),
    "lowrank": Kind(LowRankConfig, LowRankAutoencoder, LowRankFitter),
    "basic": Kind(BasicConfig, BasicAutoencoder, BasicFitter),
    "sparse": Kind(SparseConfig, SparseAutoencoder, SparseFitter),
    "contractive": Kind(ContractiveConfig, ContractiveAutoencoder, ContractiveFitter),
    "stacked": Kind(StackedConfig, StackedAutoencoder, StackedFitter),
    "deep": Kind(DeepConfig, DeepAutoencoder, DeepFitter),
    "variational": Kind(VariationalConfig, VariationalAutoencoder, VariationalFitter),
    "denoising": Kind(DenoisingConfig, DenoisingAutoencoder, DenoisingFitter),
}
