"""Fits the members of `hybrid` one after the other, then chooses their shares.

Shape letters: M members.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from torch import Tensor

from models.core.model import Model
from models.fitting.fitter import FitOptions, FitTask, Fitter, WarmStart, config_from
from models.fitting.training_loop import EpochReport, TrainingLoop
from models.kinds.blending import Shares, ranking_shares, rating_shares
from models.kinds.hybrid import HybridAutoencoder, HybridConfig, Member, add_prefix, build_blend, strip_prefix
from models.kinds.singles import SINGLES

PROGRESS = "told"  # name in checkpoints of how far the members have come


class HybridFitter(Fitter):
    """Fits the members one after the other, each to its best epoch, then chooses the shares."""

    starts_warm = True

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(HybridConfig, task.train.num_items, task.config)
        self._fitted: list[Model] = []
        self._reports: list[EpochReport] = []  # of the fitted members
        self._blend: HybridAutoencoder | None = None
        self._loop = self._begin()
        self.figures: dict[str, float] = {}

    @property
    def _next(self) -> str:
        """Kind of the member being fitted."""
        return self._config.members[len(self._fitted)]

    def _begin(self) -> TrainingLoop | None:
        """Start the next member's loop, if there is one."""
        if len(self._fitted) == len(self._config.members):
            return None
        task = self._member_task(self._next, self._task.warm)
        return TrainingLoop(SINGLES[self._next].fitter(task), task)

    def _member_task(self, kind: str, warm: WarmStart | None) -> FitTask:
        """Return a member's task, with its part of the warm start."""
        config, start = self._config.of(kind), None
        if warm is not None and (tensors := strip_prefix(warm.tensors, kind)):
            start = WarmStart(tensors, config, warm.item_ids)
        return replace(self._task, config=config, warm=start)

    def num_epochs(self, options: FitOptions) -> int:
        """Add up the epochs of all members, and one for the blend."""
        if self._loop is None:
            return len(self._reports) + 1
        limits = [SINGLES[kind].fitter.max_epochs or options.epochs for kind in self._remaining]
        return len(self._reports) + self._loop.epochs + sum(min(each, options.epochs) for each in limits) + 1

    @property
    def _remaining(self) -> tuple[str, ...]:
        """Kinds of the members not yet started."""
        return self._config.members[len(self._fitted) + 1 :]

    @property
    def stage(self) -> str:
        """Description of the next epoch: the member being fitted and its stage."""
        if self._loop is None:
            return "blend"
        stage = self._loop.stage
        return self._next if stage == "fit" else f"{self._next}: {stage}"

    @property
    def is_preparing(self) -> bool:
        """Whether a member is still being fitted."""
        return self._loop is not None

    @property
    def is_judged(self) -> bool:
        """Whether the next epoch blends; members are evaluated by their own loops."""
        return self._loop is None

    def run_epoch(self) -> float | None:
        """Fit the current member for an epoch, or choose the shares."""
        if self._loop is None:
            self._blend = self._choose()
            self.figures = {f"share_of_{each.model.kind}": each.share for each in self._blend.members}
            return None
        report = self._loop.run_epoch()
        self.figures = dict(report.metrics)
        if self._loop.is_done:
            self._fitted.append(self._loop.best)
            self._reports += self._loop.reports
            self._loop = self._begin()
        return report.loss

    def _choose(self) -> HybridAutoencoder:
        """Choose the shares on the validation users; equal ones if there are none."""
        task, models = self._task, self._fitted
        ranking = ranking_shares(
            models, task.given, task.targets, task.train.scale, check_cancelled=task.check_cancelled
        )
        rating = rating_shares(models, task.given, task.targets)
        shares = [equal_shares(len(models)) if each is None else each for each in (ranking, rating)]
        members = [
            Member(model, *pair) for model, *pair in zip(models, *(each.tolist() for each in shares), strict=True)
        ]
        useful = [each for each in members if each.share or each.rating_share]
        return build_blend(self._config, task.train.scale, useful)

    def model(self) -> HybridAutoencoder:
        """Return the blend; before it is chosen, the members so far and the warm starts of the others."""
        if self._blend is not None:
            return self._blend
        models = self._fitted
        if self._loop is not None and self._loop.reports:
            models = [*models, self._loop.latest]
        if not models:
            return self._carry_over()
        share = 1 / len(models)
        warm, left = self._task.warm, self._config.members[len(models) :]
        later = (
            [self._warm_model(kind, warm) for kind in left if strip_prefix(warm.tensors, kind)]
            if warm is not None
            else []
        )
        members = [Member(model, share, share) for model in models] + [Member(model, 0.0, 0.0) for model in later]
        return build_blend(self._config, self._task.train.scale, members)

    def _carry_over(self) -> HybridAutoencoder:
        """Map the blend of the warm start to this vocabulary."""
        warm = self._task.warm
        if warm is None:
            raise ValueError("run an epoch first")
        shares = warm.tensors["shares"].tolist()
        members = [
            Member(self._warm_model(kind, warm), *pair) for kind, pair in zip(self._config.members, shares, strict=True)
        ]
        return build_blend(self._config, self._task.train.scale, members)

    def _warm_model(self, kind: str, warm: WarmStart) -> Model:
        return SINGLES[kind].fitter(self._member_task(kind, warm)).model()

    def state(self) -> dict[str, Tensor]:
        """Return the progress of the members, and the state of the current one."""
        loop = self._loop if self._loop is not None and self._loop.reports else None
        progress = {
            "config": asdict(self._config),
            "num_fitted": len(self._fitted),
            "is_blended": self._blend is not None,
            "reports": [asdict(report) for report in self._reports],
            "reports_of_next": [asdict(report) for report in loop.reports] if loop else [],
        }
        state = {PROGRESS: torch.frombuffer(bytearray(json.dumps(progress).encode()), dtype=torch.uint8)}
        if loop is not None:
            state |= {f"best.{name}": tensor for name, tensor in loop.best.tensors().items()}
            state |= {f"next.{name}": tensor for name, tensor in loop.state().items()}
        return state

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore the progress of the members, and the state of the current one."""
        progress, warm = json.loads(bytes(state[PROGRESS].numpy())), self._task.warm
        assert warm is not None  # noqa: S101 - a resumed fit starts from its own weights
        if progress["is_blended"]:
            self._blend, self._loop = self._carry_over(), None
        else:
            self._config = config_from(HybridConfig, self._task.train.num_items, progress["config"])
            self._fitted = [self._warm_model(kind, warm) for kind in self._config.members[: progress["num_fitted"]]]
            self._loop = self._begin()
        self._reports = [EpochReport(**each) for each in progress["reports"]]
        if self._loop is not None and progress["reports_of_next"]:
            reports = [EpochReport(**each) for each in progress["reports_of_next"]]
            best = self._warm_model(
                self._next, replace(warm, tensors=add_prefix(self._next, strip_prefix(state, "best")))
            )
            self._loop.resume(reports, best if any(each.is_best for each in reports) else None)
            self._loop.load_state(strip_prefix(state, "next"), item_ids)


def equal_shares(num_models: int) -> Shares:
    """Return the same share for every model: float64 (M,)."""
    return np.full(num_models, 1 / num_models)
