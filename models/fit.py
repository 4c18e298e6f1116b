"""Fitting any kind, epoch by epoch: validated each time, stopped early, resumable.

fit = Fit("denoising", train, validation, FitOptions(epochs=30))
for report in fit:
    print(report.epoch, report.loss, report.metrics)
    fit.save_checkpoint(folder)
checkpoint.save(version, fit.best, train.item_ids, {"metrics": fit.best_report.metrics})
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from models.base import Model
from models.checkpoint import Loaded
from models.evaluate import evaluate, holdout, rating_error
from models.fitter import FitOptions, FitTask, Fitter, Tick, WarmStart
from models.gram import Gram, GramSource
from models.interactions import Interactions
from models.kinds import KINDS
from models.resume import Checkpoint, EpochReport, read_checkpoint, write_checkpoint

__all__ = ["EpochReport", "Fit", "FitOptions"]

SELECTED_BY = "ndcg@100"  # the metric that decides which epoch was best, unless another is named
ERRORS = {"rmse", "mae"}  # metrics of which the lower one is better
HOLDOUT_SEED = 0  # the validation users' split stays the same in every run, so that runs compare


class Fit:
    """One fit; iterate over it to run it, and stop whenever you like: ``best`` is the best epoch's model.

    Args:
        kind: a key of `models.kinds.KINDS`.
        train: the training users.
        validation: other users over the same vocabulary; each epoch is judged on them. May have no rows.
        options: how the fit runs.
        config: hyper-parameters of the kind; those left out take the kind's defaults.
        warm: a model of the same kind to start from; its vocabulary may be another.
        gram: gives the Gram matrix of the training users to a kind that solves from it; by default it is counted.
        checkpoint: a folder `save_checkpoint` wrote, to go on from; if it holds none the fit starts afresh.
        selected_by: the validation metric that decides which epoch was best; of `ERRORS` the lowest is.
        tick: called between steps, often; what it raises ends the iteration (cancel, timeout).

    Raises:
        ValueError: for an unknown kind, hyper-parameter or device.
        DamagedModel: if the checkpoint is damaged or belongs to another kind.
    """

    def __init__(
        self,
        kind: str,
        train: Interactions,
        validation: Interactions,
        options: FitOptions,
        *,
        config: dict[str, Any] | None = None,
        warm: Loaded | None = None,
        gram: GramSource = Gram.counted,
        checkpoint: Path | None = None,
        selected_by: str = SELECTED_BY,
        tick: Tick = lambda: None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind}; known are {', '.join(KINDS)}")
        self.kind, self.train, self.options, self.selected_by = kind, train, options, selected_by
        self.reports: list[EpochReport] = []
        self.best_report: EpochReport | None = None
        self._best: Model | None = None
        given, targets = holdout(validation.rows, seed=HOLDOUT_SEED)
        start = None
        if warm is not None and warm.model.kind == kind:
            start = WarmStart(warm.model.tensors(), asdict(cast("Any", warm.model.config)), warm.item_ids)
        saved = read_checkpoint(checkpoint, kind) if checkpoint is not None else None
        start = saved.now if saved is not None else start
        pinned = {**(start.config if start is not None else {}), **(config or {})}
        self._task = FitTask(train, given, targets, options, pinned, start, gram, tick)
        self._fitter: Fitter = KINDS[kind].fitter(self._task)
        if saved is not None:
            self._go_on_from(saved)
        self.epochs = min(options.epochs, self._fitter.max_epochs or options.epochs)

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
        return len(list(worse)) >= self.options.patience

    def __iter__(self) -> Iterator[EpochReport]:
        """Run the epochs that are left, one at each step."""
        while not self.is_done:
            yield self._run_epoch()

    def _run_epoch(self) -> EpochReport:
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
        now, before = metrics.get(self.selected_by), best.get(self.selected_by)
        if now is None or before is None:
            return True
        return now < before if self.selected_by in ERRORS else now > before

    def save_checkpoint(self, folder: Path) -> None:
        """Keep all that is needed to go on from the last epoch; what stood there is replaced in one step."""
        model = self._fitter.model()
        tensors = {f"now.{name}": tensor for name, tensor in model.tensors().items()}
        if self._best is not None and not self.reports[-1].is_best:
            tensors |= {f"best.{name}": tensor for name, tensor in self._best.tensors().items()}
        tensors |= {f"state.{name}": tensor for name, tensor in self._fitter.state().items()}
        write_checkpoint(folder, tensors, self._describe(model))

    def _describe(self, model: Model) -> dict[str, object]:
        return {
            "kind": self.kind,
            "config": asdict(cast("Any", model.config)),
            "item_ids": list(self.train.item_ids),
            "reports": [asdict(report) for report in self.reports],
            "figures": self._fitter.figures,
        }

    def _go_on_from(self, saved: Checkpoint) -> None:
        """Take up state, reports and best weights where they were left."""
        self._fitter.load_state(saved.state, saved.now.item_ids)
        self._fitter.figures |= saved.figures
        self.reports = saved.reports
        self.best_report = next((report for report in reversed(saved.reports) if report.is_best), None)
        if self.best_report is not None:
            self._best = KINDS[self.kind].fitter(replace(self._task, warm=saved.best)).model()

    def _judge(self, model: Model) -> dict[str, float]:
        """Measure a model on the validation users."""
        given, targets = self._task.given, self._task.targets
        metrics = dict(self._fitter.figures)
        if targets.num_ratings:
            judged = evaluate(model, given, targets, self.train.scale)
            error = rating_error(model, given, targets)
            metrics |= {"rmse": error.rmse, "mae": error.mae}
            if len(judged.users):
                metrics |= {name: judged.mean(name) for name in judged.metrics}
        return metrics
