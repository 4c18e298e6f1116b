"""The epochs of one fitter: each judged on the validation users, the best one kept, stopped early."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from models.core.model import Model
from models.evaluation.ranking import evaluate, rating_error
from models.fitting.fitter import FitTask, Fitter

ERRORS = {"rmse", "mae"}  # metrics of which the lower one is better


@dataclass(frozen=True)
class EpochReport:
    """What one epoch came to.

    Attributes:
        epoch: 1-based.
        epochs: the most there can be.
        loss: mean training loss; None for a closed form.
        metrics: on the validation users: ndcg@10, ndcg@100, recall@20, recall@50, rmse, mae and what the kind adds;
            without validation users only the latter.
        seconds: time of the epoch, validation included.
        is_best: whether this is the best epoch so far.
        stage: what the epoch did, in words.
        is_preparing: whether it only prepared those to come: it is never the best, and patience does not count it.
    """

    epoch: int
    epochs: int
    loss: float | None
    metrics: dict[str, float]
    seconds: float
    is_best: bool
    stage: str = "fit"
    is_preparing: bool = False


class TrainingLoop:
    """Iterate over it to run it, and stop whenever you like: ``best`` is the best epoch's model.

    Attributes:
        reports: every epoch so far.
        best_report: that of the best epoch so far; None before the first that counts.
    """

    def __init__(self, fitter: Fitter, task: FitTask) -> None:
        self.reports: list[EpochReport] = []
        self.best_report: EpochReport | None = None
        self._fitter, self._task = fitter, task
        self._best: Model | None = None

    @property
    def epochs(self) -> int:
        """The most epochs there can be, those that were run included."""
        return self._fitter.num_epochs(self._task.options)

    @property
    def best(self) -> Model:
        """The model of the best epoch so far, ready to serve, on the CPU; as it is now if all epochs only prepared.

        Raises:
            ValueError: before the first epoch.
        """
        if not self.reports:
            raise ValueError("no epoch has been run yet")
        return self._best or self._fitter.model()

    @property
    def is_done(self) -> bool:
        """Whether all epochs were run, or none was better for ``patience`` of them."""
        if len(self.reports) >= self.epochs or self.best_report is None:
            return len(self.reports) >= self.epochs
        worse = (report for report in self.reports[self.best_report.epoch :] if not report.is_preparing)
        return len(list(worse)) >= self._task.options.patience

    def __iter__(self) -> Iterator[EpochReport]:
        """Run the epochs that are left, one at each step."""
        while not self.is_done:
            yield self.run_epoch()

    def run_epoch(self) -> EpochReport:
        """Run one epoch and judge it."""
        started, fitter, epoch = time.perf_counter(), self._fitter, len(self.reports) + 1
        stage, is_preparing, is_judged = fitter.stage, fitter.is_preparing, fitter.is_judged
        loss = fitter.run_epoch()
        model = fitter.model()
        metrics = self._judge(model) if is_judged else dict(fitter.figures)
        is_best = self._is_best(metrics) if not is_preparing else self.best_report is None and epoch == self.epochs
        seconds = time.perf_counter() - started
        report = EpochReport(epoch, self.epochs, loss, metrics, seconds, is_best, stage, is_preparing)
        self.reports.append(report)
        if is_best:
            self.best_report, self._best = report, model
        return report

    def _is_best(self, metrics: dict[str, float]) -> bool:
        """Compare with the best epoch so far; where nobody can be judged the last epoch counts as the best."""
        best = self.best_report.metrics if self.best_report is not None else {}
        name = self._task.selected_by
        now, before = metrics.get(name), best.get(name)
        if now is None or before is None:
            return True
        return now < before if name in ERRORS else now > before

    def _judge(self, model: Model) -> dict[str, float]:
        """Measure a model on the validation users."""
        given, targets, scale = self._task.given, self._task.targets, self._task.train.scale
        metrics = dict(self._fitter.figures)
        if targets.num_ratings:
            judged = evaluate(model, given, targets, scale)
            error = rating_error(model, given, targets)
            metrics |= {"rmse": error.rmse, "mae": error.mae}
            if len(judged.users):
                metrics |= {name: judged.mean(name) for name in judged.metrics}
        return metrics

    @property
    def stage(self) -> str:
        """What the next epoch does, in words."""
        return self._fitter.stage

    @property
    def now(self) -> Model:
        """The model of the last epoch."""
        return self._fitter.model()

    def state(self) -> dict[str, Tensor]:
        """Give all that `load_state` needs beside weights and reports."""
        return self._fitter.state()

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Have the fitter go on from a `state` whose item axes follow ``item_ids``."""
        self._fitter.load_state(state, item_ids)

    def go_on(self, reports: Sequence[EpochReport], best: Model | None) -> None:
        """Take up reports and best model where another course of the same fit was left."""
        self.reports = list(reports)
        self.best_report = next((report for report in reversed(reports) if report.is_best), None)
        self._best = best
