"""Predicting ratings that were hidden from users who are known otherwise: the task, and the predictions for it.

Shape letters: E ratings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.peers.methods.files import Cells, Scale, Scores, TaskFiles

Predictor = Callable[[Cells], Scores]  # users and items -> predicted ratings float32 (E,)


class RatingTask:
    """Ratings to fit on, and ratings to choose hyper-parameters by."""

    def __init__(self, files: TaskFiles) -> None:
        self.scale: Scale = files.scale
        self.num_users, self.num_items = int(files.meta["num_users"]), int(files.meta["num_items"])
        self.train = files.cells("train")
        self.validation = files.cells("validation")
        self.test = files.cells("test")

    def take_validation_in(self) -> None:
        """Fit on the validation ratings too, once everything is chosen."""
        self.train = self.train.joined(self.validation)

    def predicted(self, predict: Predictor, cells: Cells) -> Scores:
        """Predict, on the scale: float32 (E,)."""
        return np.clip(np.asarray(predict(cells), np.float32), self.scale.minimum, self.scale.maximum)

    def judge(self, predict: Predictor) -> float:
        """Return the RMSE of the validation ratings, as a figure that is better when higher: negative."""
        error = self.predicted(predict, self.validation).astype(np.float64) - self.validation.values
        return -float(np.sqrt((error**2).mean()))
