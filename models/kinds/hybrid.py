"""Hybrid: closed-form kinds and a deep one, fitted one after the other and blended for each user.

What a deep autoencoder finds and a linear one cannot, and the other way round, adds up: each member's scores of a user
are standardised, weighted, and added. The weights are chosen on the validation users; a member that adds little there
is dropped. Predicted ratings are a weighted mean of the members', with weights of their own.

Source: Vancura & Kordik, "Deep Variational Autoencoder with Shallow Parallel Path for Top-N Recommendation (VASP)",
ICANN 2021 (a linear path beside a deep one). The standardised scores and their choice are ours
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
from models.inference.item_vectors import joined
from models.kinds.blending import Shares, ranking_shares, rating_shares
from models.kinds.singles import SINGLES

ORDER_ONLY = {"num_factors": 1, "factor_penalty": 0.05}  # least of a rating output, where another has the same better
CLOSED = {"linear", "lowrank"}  # kinds in closed form


@dataclass(frozen=True, kw_only=True)
class HybridConfig:
    """Hyper-parameters of `hybrid`."""

    num_items: int  # I
    members: tuple[str, ...] = ("linear", "lowrank", "denoising")
    configs: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # of members; what is left out: their defaults

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        if not self.members or len(set(self.members)) < len(self.members):
            raise ValueError("members must name one kind at least, and none twice")
        if unknown := [kind for kind in (*self.members, *self.configs) if kind not in SINGLES]:
            raise ValueError(f"unknown members {', '.join(unknown)}; known are {', '.join(SINGLES)}")

    def of(self, kind: str) -> dict[str, Any]:
        """Return the pinned hyper-parameters of a member."""
        usual = ORDER_ONLY if kind == "linear" and "lowrank" in self.members else {}
        return {**usual, **self.configs.get(kind, {})}


@dataclass(frozen=True)
class Member:
    """One model of the blend.

    Attributes:
        model: the model.
        share: of its standardised scores in the order of items, 0..1.
        rating_share: of its predicted ratings in those of the blend, 0..1.
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
        """Add the members' standardised scores up: float32 (B, I)."""
        return _sum([share * zscore(model.preference(rows)) for model, share in self._ranking])

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Add the members' standardised scores of one user up: float32 (I,)."""
        return _sum([share * zscore(model.preference_row(columns, values)) for model, share in self._ranking])

    def rating(self, rows: Rows) -> Values:
        """Take the weighted mean of the members' predictions: float32 (B, I)."""
        return _sum([share * model.rating(rows) for model, share in self._rating])

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Take the weighted mean of the members' predictions for one user: float32 (K,)."""
        return _sum([share * model.rating_row(columns, values, wanted) for model, share in self._rating])

    def item_vectors(self) -> Values:
        """Join the vectors of the closed-form members, or of all where there is none: float32 (I, D).

        Neighbours by the networks' vectors are popular items rather than alike ones (docs/explanation/experiments.md).
        """
        models = [each.model for each in self.members if each.model.kind in CLOSED]
        return joined([model.item_vectors() for model in models or [each.model for each in self.members]])

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Ask the members."""
        asked = {each.model.kind: each.model.ablation(columns, values, wanted) for each in self.members}
        ranking, rating = (
            [(asked[model.kind], share) for model, share in shares] for shares in (self._ranking, self._rating)
        )
        return HybridAblation(super().ablation(columns, values, wanted), ranking, rating)

    def tensors(self) -> dict[str, Tensor]:
        """Return every member's tensors under its kind, and the shares."""
        shares = torch.tensor([[each.share, each.rating_share] for each in self.members]).double().reshape(-1, 2)
        return {"shares": shares} | {
            name: tensor
            for each in self.members
            for name, tensor in named(each.model.kind, each.model.tensors()).items()
        }

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        known = HybridConfig(**config)  # type: ignore[arg-type]
        members = []
        for kind, (share, rating_share) in zip(known.members, tensors["shares"].tolist(), strict=True):
            model = SINGLES[kind].model.from_tensors(dict(known.configs[kind]), scale, part(tensors, kind))
            members.append(Member(model, share, rating_share))
        return cls(known, scale, members)


@dataclass(frozen=True)
class HybridAblation(Ablation):
    """What the members say of one row, blended.

    Attributes:
        whole: asks the blend itself about every row that is left.
        ranking: members with their shares in the order.
        rating: members with their shares in the predicted ratings.
    """

    whole: Ablation
    ranking: Sequence[tuple[Ablation, np.float32]]
    rating: Sequence[tuple[Ablation, np.float32]]

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Add the members' standardised scores up."""
        if standard:
            return self.whole.scores(groups, standard=True)
        return _sum([share * member.scores(groups, standard=True) for member, share in self.ranking])

    def ratings(self, groups: Groups) -> Values:
        """Take the weighted mean of the members' predictions."""
        return _sum([share * member.ratings(groups) for member, share in self.rating])


def _sum(parts: list[Values]) -> Values:
    """Add up; the first part is overwritten."""
    total, *others = parts
    for each in others:
        total += each
    return total


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors under ``name.``, without it."""
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}


def blended(config: HybridConfig, scale: RatingScale, members: Sequence[Member]) -> HybridAutoencoder:
    """Put members together, in a config that names them and their hyper-parameters."""
    configs = {each.model.kind: asdict(cast("Any", each.model.config)) for each in members}
    return HybridAutoencoder(replace(config, members=tuple(configs), configs=configs), scale, members)


class HybridFitter(Fitter):
    """Fits the members in turn, each an epoch at a time and to its own best epoch, then chooses the shares."""

    starts_warm = True

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(HybridConfig, task.train.num_items, task.config)
        self._fitted: list[Model] = []
        self._reports: list[EpochReport] = []  # of those
        self._blend: HybridAutoencoder | None = None
        self._course = self._begin()
        self.figures: dict[str, float] = {}

    @property
    def _next(self) -> str:
        """The kind that is being fitted."""
        return self._config.members[len(self._fitted)]

    def _begin(self) -> TrainingLoop | None:
        """Begin with the next member, if one is left."""
        if len(self._fitted) == len(self._config.members):
            return None
        task = self._member_task(self._next, self._task.warm)
        return TrainingLoop(SINGLES[self._next].fitter(task), task)

    def _member_task(self, kind: str, warm: WarmStart | None) -> FitTask:
        """Return what a member is fitted to, and the weights it starts from if there are any."""
        config, start = self._config.of(kind), None
        if warm is not None and (tensors := part(warm.tensors, kind)):
            start = WarmStart(tensors, config, warm.item_ids)
        return replace(self._task, config=config, warm=start)

    def num_epochs(self, options: FitOptions) -> int:
        """Count those of all members, and one for the blend."""
        if self._course is None:
            return len(self._reports) + 1
        limits = [SINGLES[kind].fitter.max_epochs or options.epochs for kind in self._waiting]
        return len(self._reports) + self._course.epochs + sum(min(each, options.epochs) for each in limits) + 1

    @property
    def _waiting(self) -> tuple[str, ...]:
        """The kinds that are still to be begun."""
        return self._config.members[len(self._fitted) + 1 :]

    @property
    def stage(self) -> str:
        """Which member is fitted, and what it does."""
        if self._course is None:
            return "blend"
        stage = self._course.stage
        return self._next if stage == "fit" else f"{self._next}: {stage}"

    @property
    def is_preparing(self) -> bool:
        """Whether members are still fitted."""
        return self._course is not None

    @property
    def is_judged(self) -> bool:
        """Members are judged by themselves."""
        return self._course is None

    def run_epoch(self) -> float | None:
        """Fit the member under way for an epoch, or choose the shares."""
        if self._course is None:
            self._blend = self._chosen()
            self.figures = {f"share_of_{each.model.kind}": each.share for each in self._blend.members}
            return None
        report = self._course.run_epoch()
        self.figures = dict(report.metrics)
        if self._course.is_done:
            self._fitted.append(self._course.best)
            self._reports += self._course.reports
            self._course = self._begin()
        return report.loss

    def _chosen(self) -> HybridAutoencoder:
        """Choose the shares on the validation users; equal ones where there is nobody to choose on."""
        task, models = self._task, self._fitted
        ranking = ranking_shares(models, task.given, task.targets, task.train.scale, task.check_cancelled)
        rating = rating_shares(models, task.given, task.targets)
        shares = [equal_shares(len(models)) if each is None else each for each in (ranking, rating)]
        members = [
            Member(model, *pair) for model, *pair in zip(models, *(each.tolist() for each in shares), strict=True)
        ]
        useful = [each for each in members if each.share or each.rating_share]
        return blended(self._config, task.train.scale, useful)

    def model(self) -> HybridAutoencoder:
        """Return the blend; until it is made, the members as far as they are, and what the others will start from."""
        if self._blend is not None:
            return self._blend
        models = self._fitted
        if self._course is not None and self._course.reports:
            models = [*models, self._course.now]
        if not models:
            return self._carried()
        share = 1 / len(models)
        warm, left = self._task.warm, self._config.members[len(models) :]
        later = [self._regrown(kind, warm) for kind in left if part(warm.tensors, kind)] if warm is not None else []
        members = [Member(model, share, share) for model in models] + [Member(model, 0.0, 0.0) for model in later]
        return blended(self._config, self._task.train.scale, members)

    def _carried(self) -> HybridAutoencoder:
        """Carry the blend to start from over to this vocabulary."""
        warm = self._task.warm
        if warm is None:
            raise ValueError("run an epoch first")
        shares = warm.tensors["shares"].tolist()
        members = [
            Member(self._regrown(kind, warm), *pair) for kind, pair in zip(self._config.members, shares, strict=True)
        ]
        return blended(self._config, self._task.train.scale, members)

    def _regrown(self, kind: str, warm: WarmStart) -> Model:
        return SINGLES[kind].fitter(self._member_task(kind, warm)).model()

    def state(self) -> dict[str, Tensor]:
        """Return how far the members have come, and all of the one under way."""
        course = self._course if self._course is not None and self._course.reports else None
        told = {
            "config": asdict(self._config),
            "num_fitted": len(self._fitted),
            "is_blended": self._blend is not None,
            "reports": [asdict(report) for report in self._reports],
            "reports_of_next": [asdict(report) for report in course.reports] if course else [],
        }
        state = {"told": torch.frombuffer(bytearray(json.dumps(told).encode()), dtype=torch.uint8)}
        if course is not None:
            state |= {f"best.{name}": tensor for name, tensor in course.best.tensors().items()}
            state |= {f"next.{name}": tensor for name, tensor in course.state().items()}
        return state

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Go on with the member that was under way."""
        told, warm = json.loads(bytes(state["told"].numpy())), self._task.warm
        assert warm is not None  # noqa: S101 - what is resumed starts from its own weights
        if told["is_blended"]:
            self._blend, self._course = self._carried(), None
        else:
            self._config = config_from(HybridConfig, self._task.train.num_items, told["config"])
            self._fitted = [self._regrown(kind, warm) for kind in self._config.members[: told["num_fitted"]]]
            self._course = self._begin()
        self._reports = [EpochReport(**each) for each in told["reports"]]
        if self._course is not None and told["reports_of_next"]:
            reports = [EpochReport(**each) for each in told["reports_of_next"]]
            best = self._regrown(self._next, replace(warm, tensors=named(self._next, part(state, "best"))))
            self._course.go_on(reports, best if any(each.is_best for each in reports) else None)
            self._course.load_state(part(state, "next"), item_ids)


def equal_shares(num_models: int) -> Shares:
    """Return every model the same: float64 (M,)."""
    return np.full(num_models, 1 / num_models)


def named(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put tensors under ``name.``."""
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}
