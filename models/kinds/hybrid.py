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
from models.inference.item_vectors import join_vectors
from models.kinds.singles import SINGLES

ORDER_ONLY = {"num_factors": 1, "factor_penalty": 0.05}  # smallest rating output, where another member has a better one
CLOSED = {"linear", "lowrank"}  # kinds in closed form


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


def add_prefix(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Prefix the names of tensors with ``name.``."""
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}


def build_blend(config: HybridConfig, scale: RatingScale, members: Sequence[Member]) -> HybridAutoencoder:
    """Build the blend of some members, with their kinds and hyper-parameters in its config."""
    configs = {each.model.kind: asdict(cast("Any", each.model.config)) for each in members}
    return HybridAutoencoder(replace(config, members=tuple(configs), configs=configs), scale, members)
