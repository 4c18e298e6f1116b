"""The densities against those of torch."""

import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from models.networks.posterior import CompositePrior, Posterior

GENERATOR = torch.Generator().manual_seed(0)
MEAN = torch.randn(3, 4, generator=GENERATOR)
LOG_VARIANCE = torch.randn(3, 4, generator=GENERATOR)
CODE = 3 * torch.randn(3, 4, generator=GENERATOR)


def test_a_posterior_is_a_normal_distribution() -> None:
    expected = Normal(MEAN, torch.exp(0.5 * LOG_VARIANCE)).log_prob(CODE)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(Posterior(MEAN, LOG_VARIANCE).log_density(CODE), expected)


def test_samples_have_the_mean_and_the_variance() -> None:
    posterior = Posterior(torch.full((20_000, 2), 3.0), torch.tensor([0.0, 2.0]).expand(20_000, 2))
    code = posterior.sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(code.mean(0), torch.tensor([3.0, 3.0]), atol=0.05, rtol=0)
    torch.testing.assert_close(code.var(0).log(), torch.tensor([0.0, 2.0]), atol=0.05, rtol=0)


def test_the_prior_mixes_the_standard_the_old_and_the_wide_normal() -> None:
    weights = (0.15, 0.75, 0.1)
    means = torch.stack((torch.zeros(3, 4), MEAN, torch.zeros(3, 4)), -1)
    spreads = torch.exp(0.5 * torch.stack((torch.zeros(3, 4), LOG_VARIANCE, torch.full((3, 4), 10.0)), -1))
    which = Categorical(torch.tensor(weights).expand(3, 4, 3))
    parts = Normal(means, spreads)
    expected = MixtureSameFamily(which, parts).log_prob(CODE)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(CompositePrior(Posterior(MEAN, LOG_VARIANCE), weights).log_density(CODE), expected)


def test_a_prior_component_of_weight_zero_is_ignored() -> None:
    far = Posterior(MEAN + 1e30, LOG_VARIANCE)
    prior = CompositePrior(far, (1.0, 0.0, 0.0))
    expected = Normal(0, 1).log_prob(CODE)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(prior.log_density(CODE), expected)
