"""Fit any kind of model epoch by epoch, with validation, early stopping and checkpoints.

fit = Fit("denoising", train, validation, FitOptions(epochs=30))
for report in fit:
    print(report.epoch, report.loss, report.metrics)
    fit.save_checkpoint(folder)
checkpoint.save(version, fit.best, train.item_ids, {"metrics": fit.best_report.metrics})
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from models.checkpoint import Loaded
from models.closed_form.gram import Gram, GramSource
from models.core.interactions import Interactions
from models.core.model import Model
from models.evaluation.ranking import holdout
from models.fitting.fitter import SELECTED_BY, CheckCancelled, FitOptions, FitTask, WarmStart
from models.fitting.training_loop import EpochReport, TrainingLoop
from models.kinds.registry import KINDS
from models.resume import Checkpoint, read_checkpoint, write_checkpoint

__all__ = ["EpochReport", "Fit", "FitOptions"]

HOLDOUT_SEED = 0  # the validation users' split is the same in every run, so that runs are comparable


class Fit(TrainingLoop):
    """A fit; iterate over it to run it, and stop at any time: ``best`` is the best epoch's model.

    Args:
        kind: a key of `models.kinds.registry.KINDS`.
        train: the training users.
        validation: other users over the same vocabulary; each epoch is evaluated on them. May have no rows.
        options: how the fit runs.
        config: hyper-parameters of the kind; those left out have the kind's defaults.
        warm: a model of the same kind to start from; its vocabulary may differ.
        gram: source of the training users' Gram matrix, for a kind that solves from it; by default it is counted.
        checkpoint: a folder written by `save_checkpoint` to resume from; without a checkpoint the fit starts anew.
        selected_by: the validation metric that selects the best epoch; lower is better for those in
            `models.fitting.training_loop.ERRORS`.
        check_cancelled: called often between steps; an exception it raises ends the iteration (cancel, timeout).

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
        gram: GramSource = Gram.count,
        checkpoint: Path | None = None,
        selected_by: str = SELECTED_BY,
        check_cancelled: CheckCancelled = lambda: None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind}; known are {', '.join(KINDS)}")
        self.kind, self.train, self.options = kind, train, options
        given, targets = holdout(validation.rows, seed=HOLDOUT_SEED)
        start = None
        if warm is not None and warm.model.kind == kind:
            start = WarmStart(warm.model.tensors(), asdict(cast("Any", warm.model.config)), warm.item_ids)
        saved = read_checkpoint(checkpoint, kind) if checkpoint is not None else None
        start = saved.latest if saved is not None else start
        pinned = {**(start.config if start is not None else {}), **(config or {})}
        task = FitTask(
            train,
            given,
            targets,
            options,
            config=pinned,
            warm=start,
            gram=gram,
            selected_by=selected_by,
            check_cancelled=check_cancelled,
        )
        super().__init__(KINDS[kind].fitter(task), task)
        if saved is not None:
            self._resume_from(saved)

    def save_checkpoint(self, folder: Path) -> None:
        """Write all that is needed to resume after the last epoch, replacing an earlier checkpoint atomically."""
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

    def _resume_from(self, saved: Checkpoint) -> None:
        """Restore state, reports and best weights from a checkpoint."""
        self._fitter.load_state(saved.state, saved.latest.item_ids)
        self._fitter.figures |= saved.figures
        has_best = any(report.is_best for report in saved.reports)
        best = KINDS[self.kind].fitter(replace(self._task, warm=saved.best)).model() if has_best else None
        self.resume(saved.reports, best)
