"""Mult-VAE, written after its authors' code: a variational autoencoder with a multinomial likelihood.

Source: Liang, Krishnan, Hoffman & Jebara, "Variational Autoencoders for Collaborative Filtering", WWW 2018, with the
choices of github.com/dawenl/vae_cf: rows of length 1, dropout on them, one tanh layer each way, weight of the KL term
rising to its cap step by step, Adam. Shape letters: B users in a batch, I items, H hidden neurons, L latent ones.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.epochs import batches, best_of_epochs, dense
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer, spread, used_items

FIRST = {
    "positives": "liked",
    "num_hidden": 200,
    "dropout": 0.5,
    "kl_cap": 0.2,
    "annealing_steps": 2_000,
    "learning_rate": 1e-3,
    "batch_size": 100,
}


def suggest(trial: Trial) -> None:
    """Draw size, noise, weight of the KL term and steps; the latent layer is a third of the hidden one as published."""
    trial.suggest_categorical("positives", POSITIVES)
    trial.suggest_int("num_hidden", 100, 600, log=True)
    trial.suggest_float("dropout", 0.2, 0.8)
    trial.suggest_float("kl_cap", 0.01, 1.0, log=True)
    trial.suggest_int("annealing_steps", 100, 20_000, log=True)
    trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True)
    trial.suggest_int("batch_size", 25, 500, log=True)


class MultVae(nn.Module):
    """Encoder to mean and log variance, decoder to logits."""

    def __init__(self, num_items: int, num_hidden: int, dropout: float) -> None:
        super().__init__()
        self.num_latent, self.dropout = max(1, num_hidden // 3), dropout
        self.encoder = nn.Sequential(
            nn.Linear(num_items, num_hidden), nn.Tanh(), nn.Linear(num_hidden, 2 * self.num_latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(self.num_latent, num_hidden), nn.Tanh(), nn.Linear(num_hidden, num_items)
        )
        for layer in (*self.encoder, *self.decoder):
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.trunc_normal_(layer.bias, std=0.001, a=-0.002, b=0.002)

    def forward(self, x_BI: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, I) and the KL divergence of each user's code (B,), which is drawn only while training."""
        noisy_BI = functional.dropout(functional.normalize(x_BI), self.dropout, self.training)
        mean_BL, log_variance_BL = self.encoder(noisy_BI).split(self.num_latent, dim=1)
        kl_B = 0.5 * (mean_BL**2 + log_variance_BL.exp() - 1 - log_variance_BL).sum(dim=1)
        noise_BL = torch.randn_like(mean_BL) * float(self.training)
        return self.decoder(mean_BL + noise_BL * (log_variance_BL / 2).exp()), kl_B


def loss(x_BI: Tensor, logits_BI: Tensor, kl_B: Tensor, kl_weight: float) -> Tensor:
    """Return the mean of the negative log likelihood and the weighted KL term."""
    likelihood_B = (functional.log_softmax(logits_BI, dim=1) * x_BI).sum(dim=1)
    return (kl_weight * kl_B - likelihood_B).mean()


def fit(task: RankingTask, params: Params, clock: Clock) -> Scorer:
    """Descend, epoch by epoch."""
    torch.manual_seed(0)
    train, items_J = used_items(task.positives(params["positives"]))
    network = MultVae(len(items_J), params["num_hidden"], params["dropout"])
    optimiser = torch.optim.Adam(network.parameters(), lr=params["learning_rate"])
    num_steps = 0

    def run_epoch() -> None:
        nonlocal num_steps
        for x_BJ in batches(train, params["batch_size"]):
            kl_weight = params["kl_cap"] * min(1.0, num_steps / params["annealing_steps"])
            optimiser.zero_grad()
            logits_BJ, kl_B = network(x_BJ)
            loss(x_BJ, logits_BJ, kl_B, kl_weight).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            num_steps += 1

    def score(rows: Matrix) -> Scores:
        with torch.no_grad():
            logits_BJ = network(dense(rows[:, items_J]))[0]
        return spread(np.asarray(logits_BJ.numpy()), items_J, task.num_items)

    return best_of_epochs(task, network, task.scorer(params["positives"], score), run_epoch, clock)


METHOD = Method(first=FIRST, suggest=suggest, fit=fit, watches_clock=True)
