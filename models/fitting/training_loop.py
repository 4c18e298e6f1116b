"""The loop over a fitter's epochs, with validation, best epoch and early stopping."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from models.core.model import Model
from models.evaluation.ranking import evaluate, rating_error
from models.fitting.fitter import FitTask, Fitter

ERRORS = {"rmse", "mae"}  # metrics for which lower is better


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """The result of one epoch.

    Attributes:
        epoch: 1-based.
        epochs: maximum number of epochs.
        loss: mean training loss; None for a closed form.
        metrics: on the validation users: ndcg@10, ndcg@100, recall@20, recall@50, rmse, mae and the kind's own figures;
            without validation users only the latter.
        seconds: duration of the epoch, including validation.
        is_best: whether this is the best epoch so far.
        stage: description of the epoch.
        is_preparing: whether it only prepared later ones: it is never the best, and patience does not count it.
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
    """Iterate over it to run it, and stop at any time: ``best`` is the best epoch's model.

    Attributes:
        reports: every epoch so far.
        best_report: of the best epoch so far; None before the first that is not preparing.
    """

    def __init__(self, fitter: Fitter, task: FitTask) -> None:
        self.reports: list[EpochReport] = []
        self.best_report: EpochReport | None = None
        self._fitter, self._task = fitter, task
        self._best: Model | None = None

    @property
    def epochs(self) -> int:
        """Maximum number of epochs, including those already run."""
        return self._fitter.num_epochs(self._task.options)

    @property
    def best(self) -> Model:
        """Model of the best epoch so far, ready to serve, on the CPU; the latest if all epochs were preparing.

        Raises:
            ValueError: if no epoch has been run.
        """
        if not self.reports:
            raise ValueError("no epoch has been run yet")
        return self._best or self._fitter.model()

    @property
    def is_done(self) -> bool:
        """Whether all epochs were run, or ``patience`` epochs brought no improvement."""
        if len(self.reports) >= self.epochs or self.best_report is None:
            return len(self.reports) >= self.epochs
        worse = (report for report in self.reports[self.best_report.epoch :] if not report.is_preparing)
        return len(list(worse)) >= self._task.options.patience

    def __iter__(self) -> Iterator[EpochReport]:
        """Run the remaining epochs, one per step."""
        while not self.is_done:
            yield self.run_epoch()

    def run_epoch(self) -> EpochReport:
        """Run one epoch and evaluate it."""
        started, fitter, epoch = time.perf_counter(), self._fitter, len(self.reports) + 1
        stage, is_preparing, is_judged = fitter.stage, fitter.is_preparing, fitter.is_judged
        loss = fitter.run_epoch()
        model = fitter.model()
        metrics = self._judge(model) if is_judged else dict(fitter.figures)
        is_best = self._is_best(metrics) if not is_preparing else self.best_report is None and epoch == self.epochs
        report = EpochReport(
            epoch=epoch,
            epochs=self.epochs,
            loss=loss,
            metrics=metrics,
            seconds=time.perf_counter() - started,
            is_best=is_best,
            stage=stage,
            is_preparing=is_preparing,
        )
        self.reports.append(report)
        if is_best:
            self.best_report, self._best = report, model
        return report

    def _is_best(self, metrics: dict[str, float]) -> bool:
        """Compare with the best epoch so far; without judged users the last epoch is the best."""
        best = self.best_report.metrics if self.best_report is not None else {}
        name = self._task.selected_by
        now, before = metrics.get(name), best.get(name)
        if now is None or before is None:
            return True
        return now < before if name in ERRORS else now > before

    def _judge(self, model: Model) -> dict[str, float]:
        """Evaluate a model on the validation users."""
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
        """Description of the next epoch."""
        return self._fitter.stage

    @property
    def latest(self) -> Model:
        """Model of the last epoch."""
        return self._fitter.model()

    def state(self) -> dict[str, Tensor]:
        """Return all that `load_state` needs besides weights and reports."""
        return self._fitter.state()

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore a `state` of the fitter whose item axes follow ``item_ids``."""
        self._fitter.load_state(state, item_ids)

    def resume(self, reports: Sequence[EpochReport], best: Model | None) -> None:
        """Restore reports and best model of an earlier loop of the same fit."""
        self.reports = list(reports)
        self.best_report = next((report for report in reversed(reports) if report.is_best), None)
        self._best = best
