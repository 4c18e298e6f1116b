"""RecVAE, the network of `cornac` (which is its authors'), trained in turns: encoder, prior, decoder.

Source: Shenbin, Alekseev, Tutubalina, Malykh & Nikolenko, "RecVAE: a New Variational Autoencoder for Top-N
Recommendations with Implicit Feedback", WSDM 2020. The library judges its epochs on training users; here the best one
on the validation users is kept. Shape letters: B users in a batch, I items, J items that any user had.
"""

from __future__ import annotations

import numpy as np
import torch
from cornac.models.recvae.recvae import VAE

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.epochs import batches, best_of_epochs, dense
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer, spread, used_items

FIRST = {
    "positives": "liked",
    "num_hidden": 200,
    "gamma": 0.005,
    "dropout": 0.5,
    "learning_rate": 5e-4,
    "batch_size": 100,
}
ENCODER_EPOCHS, DECODER_EPOCHS = 3, 1  # in a turn, as published; a turn is what is judged as one epoch


def suggest(trial: Trial) -> None:
    """Draw size, noise, weight of the KL term and steps; the latent layer is a third of the hidden one as published."""
    trial.suggest_categorical("positives", POSITIVES)
    trial.suggest_int("num_hidden", 100, 600, log=True)
    trial.suggest_float("gamma", 0.001, 0.02, log=True)
    trial.suggest_float("dropout", 0.2, 0.8)
    trial.suggest_float("learning_rate", 2e-4, 2e-3, log=True)
    trial.suggest_int("batch_size", 25, 500, log=True)


def fit(task: RankingTask, params: Params, clock: Clock) -> Scorer:
    """Descend, turn by turn."""
    torch.manual_seed(0)
    train, items_J = used_items(task.positives(params["positives"]))
    network = VAE(params["num_hidden"], max(1, params["num_hidden"] // 3), len(items_J))
    encode, decode = (
        torch.optim.Adam(part.parameters(), lr=params["learning_rate"]) for part in (network.encoder, network.decoder)
    )

    def run(optimiser: torch.optim.Optimizer, dropout: float) -> None:
        for x_BJ in batches(train, params["batch_size"]):
            optimiser.zero_grad()
            network(x_BJ, gamma=params["gamma"], dropout_rate=dropout)[1].backward()
            optimiser.step()

    def run_turn() -> None:
        for _ in range(ENCODER_EPOCHS):
            run(encode, params["dropout"])
        network.update_prior()
        for _ in range(DECODER_EPOCHS):
            run(decode, 0.0)

    def score(rows: Matrix) -> Scores:
        with torch.no_grad():
            logits_BJ = network(dense(rows[:, items_J]), calculate_loss=False)
        return spread(np.asarray(logits_BJ.numpy()), items_J, task.num_items)

    return best_of_epochs(task, network, task.scorer(params["positives"], score), run_turn, clock)


METHOD = Method(first=FIRST, suggest=suggest, fit=fit, watches_clock=True)
