"""The kinds of autoencoder that can be chosen. A further kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import Model
from models.denoising import DenoisingAutoencoder, DenoisingConfig, DenoisingFitter
from models.fitter import Fitter
from models.linear import LinearAutoencoder, LinearConfig, LinearFitter


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


KINDS: Mapping[str, Kind] = {
    "linear": Kind(LinearConfig, LinearAutoencoder, LinearFitter),
    "denoising": Kind(DenoisingConfig, DenoisingAutoencoder, DenoisingFitter),
}
