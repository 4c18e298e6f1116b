"""Hybrid: closed-form kinds and a deep one, fitted one after the other and blended for each user.

Deep and linear autoencoders find different structure, so a blend ranks better than either: each member's scores of a
user are standardised, weighted, and added. The weights are chosen on the validation users; a member that adds little
there is dropped. Predicted ratings are a weighted mean of the members', with separate weights.

Source: Vancura & Kordik, "Deep Variational Autoencoder with Shallow Parallel Path for Top-N Recommendation (VASP)",
ICANN 2021 (a linear path beside a deep one). Standardised scores and the choice of weights are ours
(docs/explanation/experiments.md).
Shape letters: M members, B users in a batch, I items, K columns asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor

from models.core.ablation import Ablation, Groups
from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import Model
from models.core.zscore import zscore
from models.fitting.fitter import FitOptions, FitTask, Fitter, WarmStart, config_from
from models.fitting.training_loop import EpochReport, TrainingLoop
from models.inference.item_vectors import join_vectors
from models.kinds.blending import Shares, ranking_shares, rating_shares
from models.kinds.singles import SINGLES

ORDER_ONLY = {"num_factors": 1, "factor_penalty": 0.05}  # smallest rating output, where another member has a better one
CLOSED = {"linear", "lowrank"}  # kinds in closed form
PROGRESS = "told"  # name in checkpoints of how far the members have come


@dataclass(frozen=True, kw_only=True)
class HybridConfig:
    """Hyper-parameters of `hybrid`."""

    num_items: int  # I
    members: tuple[str, ...] = ("linear", "lowrank", "denoising")
    configs: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # of members; those left out have their kind's defaults

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        if not self.members or len(set(self.members)) < len(self.members):
            raise ValueError("members must name one kind at least, and none twice")
        if unknown := [kind for kind in (*self.members, *self.configs) if kind not in SINGLES]:
            raise ValueError(f"unknown members {', '.join(unknown)}; known are {', '.join(SINGLES)}")

    def of(self, kind: str) -> dict[str, Any]:
        """Return the pinned hyper-parameters of a member."""
        defaults = ORDER_ONLY if kind == "linear" and "lowrank" in self.members else {}
        return {**defaults, **self.configs.get(kind, {})}


@dataclass(frozen=True)
class Member:
    """A model of the blend.

    Attributes:
        model: the model.
        share: weight of its standardised scores in the blend's scores, 0..1.
        rating_share: weight of its predicted ratings in the blend's, 0..1.
    """

    model: Model
    share: float
    rating_share: float


class HybridAutoencoder(Model):
    """The members with their shares."""

    kind: ClassVar[str] = "hybrid"

    def __init__(self, config: HybridConfig, scale: RatingScale, members: Sequence[Member]) -> None:
        self.config: HybridConfig = config
        self.scale = scale
        self.members = members
        self._ranking = [(each.model, np.float32(each.share)) for each in members if each.share]
        self._rating = [(each.model, np.float32(each.rating_share)) for each in members if each.rating_share]

    def preference(self, rows: Rows) -> Values:
        """Add up the members' standardised scores: float32 (B, I)."""
        return _sum([share * zscore(model.preference(rows)) for model, share in self._ranking])

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Add up the members' standardised scores of one user: float32 (I,)."""
        return _sum([share * zscore(model.preference_row(columns, values)) for model, share in self._ranking])

    def rating(self, rows: Rows) -> Values:
        """Return the weighted mean of the members' predictions: float32 (B, I)."""
        return _sum([share * model.rating(rows) for model, share in self._rating])

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Return the weighted mean of the members' predictions for one user: float32 (K,)."""
        return _sum([share * model.rating_row(columns, values, wanted) for model, share in self._rating])

    def item_vectors(self) -> Values:
        """Concatenate the vectors of the closed-form members, or of all if there are none: float32 (I, D).

        Neighbours by a network's vectors are popular items rather than similar ones (docs/explanation/experiments.md).
        """
        models = [each.model for each in self.members if each.model.kind in CLOSED]
        return join_vectors([model.item_vectors() for model in models or [each.model for each in self.members]])

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Combine the members' ablations."""
        ablations = {each.model.kind: each.model.ablation(columns, values, wanted) for each in self.members}
        ranking, rating = (
            [(ablations[model.kind], share) for model, share in shares] for shares in (self._ranking, self._rating)
        )
        return HybridAblation(super().ablation(columns, values, wanted), ranking, rating)

    def tensors(self) -> dict[str, Tensor]:
        """Return every member's tensors under its kind, and the shares."""
        shares = torch.tensor([[each.share, each.rating_share] for each in self.members]).double().reshape(-1, 2)
        return {"shares": shares} | {
            name: tensor
            for each in self.members
            for name, tensor in add_prefix(each.model.kind, each.model.tensors()).items()
        }

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from the result of `tensors`."""
        known = HybridConfig(**config)  # type: ignore[arg-type]
        members = []
        for kind, (share, rating_share) in zip(known.members, tensors["shares"].tolist(), strict=True):
            model = SINGLES[kind].model.from_tensors(dict(known.configs[kind]), scale, strip_prefix(tensors, kind))
            members.append(Member(model, share, rating_share))
        return cls(known, scale, members)


@dataclass(frozen=True)
class HybridAblation(Ablation):
    """The blend of the members' ablations of one row.

    Attributes:
        whole: recomputes the blend for every row that a group leaves.
        ranking: members with their shares of the scores.
        rating: members with their shares of the predicted ratings.
    """

    whole: Ablation
    ranking: Sequence[tuple[Ablation, np.float32]]
    rating: Sequence[tuple[Ablation, np.float32]]

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Add up the members' standardised scores."""
        if standard:
            return self.whole.scores(groups, standard=True)
        return _sum([share * member.scores(groups, standard=True) for member, share in self.ranking])

    def ratings(self, groups: Groups) -> Values:
        """Return the weighted mean of the members' predictions."""
        return _sum([share * member.ratings(groups) for member, share in self.rating])


def _sum(parts: list[Values]) -> Values:
    """Add up the parts, overwriting the first."""
    total, *others = parts
    for each in others:
        total += each
    return total


def strip_prefix(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with ``name.``, without that prefix."""
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}


def build_blend(config: HybridConfig, scale: RatingScale, members: Sequence[Member]) -> HybridAutoencoder:
    """Build the blend of some members, with their kinds and hyper-parameters in its config."""
    configs = {each.model.kind: asdict(cast("Any", each.model.config)) for each in members}
    return HybridAutoencoder(replace(config, members=tuple(configs), configs=configs), scale, members)


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


def add_prefix(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Prefix the names of tensors with ``name.``."""
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}
