"""The posterior of a variational encoder, a normal distribution, and its composite prior.

Source: Shenbin et al., "RecVAE: a New Variational Autoencoder for Top-N Recommendations with Implicit Feedback",
WSDM 2020, section 3.3.
Shape letters: B users in a batch, D units of the code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

WIDE_LOG_VARIANCE = 10.0


@dataclass(frozen=True)
class Posterior:
    """Independent normal distributions, one for each unit of each user's code.

    Attributes:
        mean_BD: float32 (B, D).
        log_variance_BD: float32 (B, D).
    """

    mean_BD: Tensor  # noqa: N815
    log_variance_BD: Tensor  # noqa: N815

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw a code for each user: float32 (B, D)."""
        noise_BD = torch.randn(self.mean_BD.shape, generator=generator).to(self.mean_BD.device)
        return self.mean_BD + noise_BD * torch.exp(0.5 * self.log_variance_BD)

    def log_density(self, code_BD: Tensor) -> Tensor:
        """Return the log density of each unit of a code: float32 (B, D)."""
        return log_normal(code_BD - self.mean_BD, self.log_variance_BD)


@dataclass(frozen=True)
class CompositePrior:
    """A mixture of the standard normal, the user's posterior of the previous epoch, and a wide normal.

    The middle part keeps the encoder from forgetting: it may move where the ratings say so, and stays where they say
    nothing.

    Attributes:
        old: posterior of the previous epoch.
        weights: of the three parts; their sum is 1.
    """

    old: Posterior
    weights: tuple[float, float, float]

    def log_density(self, code_BD: Tensor) -> Tensor:
        """Return the log density of each unit of a code: float32 (B, D)."""
        parts = (
            log_normal(code_BD, torch.zeros(())),
            self.old.log_density(code_BD),
            log_normal(code_BD, torch.tensor(WIDE_LOG_VARIANCE)),
        )
        weighted = [part + math.log(weight) for part, weight in zip(parts, self.weights, strict=True) if weight > 0]
        return torch.logsumexp(torch.stack(weighted), dim=0)


def log_normal(distance: Tensor, log_variance: Tensor) -> Tensor:
    """Return the log density of a normal distribution at a distance from its mean."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + distance**2 * torch.exp(-log_variance))
