"""iALS of `irspack`: factors by alternating least squares over all cells; one solve folds an unseen user in.

Source: Rendle, Krichene, Zhang & Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks",
RecSys 2022: the loss, the regularisation by frequency, and the order of magnitude of the space.
"""

from __future__ import annotations

import numpy as np
from irspack.recommenders.ials import IALSRecommender

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer

FIRST = {"positives": "liked", "num_factors": 128, "unobserved_weight": 0.1, "regularisation": 0.003, "epochs": 16}


def suggest(trial: Trial) -> None:
    """Draw the weight of what is not observed, the ridge, and the size."""
    trial.suggest_categorical("positives", POSITIVES)
    trial.suggest_int("num_factors", 16, 512, log=True)
    trial.suggest_float("unobserved_weight", 0.003, 1.0, log=True)
    trial.suggest_float("regularisation", 0.0003, 0.1, log=True)
    trial.suggest_int("epochs", 4, 16)


def fit(task: RankingTask, params: Params, _: Clock) -> Scorer:
    """Alternate."""
    model = IALSRecommender(
        task.positives(params["positives"]),
        n_components=params["num_factors"],
        alpha0=params["unobserved_weight"],
        reg=params["regularisation"],
        train_epochs=params["epochs"],
        prediction_time_max_cg_steps=20,  # as good as exact; the library has 5
        n_threads=1,
        random_seed=0,
    ).learn()

    def score(rows: Matrix) -> Scores:
        return np.asarray(model.get_score_cold_user(rows), np.float32)

    return task.scorer(params["positives"], score)


METHOD = Method(first=FIRST, suggest=suggest, fit=fit)
