"""The kinds of autoencoder that stand alone. A further kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import Model
from models.basic import BasicAutoencoder, BasicConfig, BasicFitter
from models.contractive import ContractiveAutoencoder, ContractiveConfig, ContractiveFitter
from models.deep import DeepAutoencoder, DeepConfig, DeepFitter
from models.denoising import DenoisingAutoencoder, DenoisingConfig, DenoisingFitter
from models.fitter import Fitter
from models.linear import LinearAutoencoder, LinearConfig, LinearFitter
from models.lowrank import LowRankAutoencoder, LowRankConfig, LowRankFitter
from models.sparse import SparseAutoencoder, SparseConfig, SparseFitter
from models.stacked import StackedAutoencoder, StackedConfig, StackedFitter
from models.variational import VariationalAutoencoder, VariationalConfig, VariationalFitter


@dataclass(frozen=True)
class Kind:
    """One architecture: its hyper-parameters, what is served, and what fits it."""

    config: type[object]
    model: type[Model]
    fitter: type[Fitter]

    @property
    def starts_warm(self) -> bool:
        """Whether a fit goes on from another model's weights."""
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
