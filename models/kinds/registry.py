"""Registry of the kinds of autoencoder: the single kinds, and their blend."""

from __future__ import annotations

from collections.abc import Mapping

from models.kinds.hybrid import HybridAutoencoder, HybridConfig
from models.kinds.hybrid_fitter import HybridFitter
from models.kinds.singles import SINGLES, Kind

KINDS: Mapping[str, Kind] = {**SINGLES, "hybrid": Kind(HybridConfig, HybridAutoencoder, HybridFitter)}
