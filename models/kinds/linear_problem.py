"""The weights of the `linear` kind, solved from whichever side is the cheaper one.

Shape letters: B users in a batch, I items, F input features and C output items (see `models.closed_form.ridge`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from models.closed_form.dual import Product, num_inner, solve_by_users
from models.closed_form.encoding import Coding
from models.closed_form.gram import GramSource
from models.closed_form.ridge import Matrix, Pairs, Penalty, solve
from models.closed_form.ridge import gram as multiply
from models.core.interactions import Interactions, Offsets, Rows, Values
from models.evaluation.ranking import Scorer
from models.inference.quantized import QuantizedMatrix

QUICK = 2_000  # users whose side is inverted within a second


@dataclass(frozen=True)
class Solution:
    """Weights from the features that occurred in training to the items that anybody liked.

    Attributes:
        weights: (F, C).
        inputs: int64 (F,), the features, as in `models.closed_form.ridge.Pairs`.
        outputs: int64 (C,), the items.
    """

    weights: QuantizedMatrix
    inputs: Offsets
    outputs: Offsets

    def tensors(self) -> dict[str, Tensor]:
        """Give all three by name."""
        inputs, outputs = torch.from_numpy(self.inputs), torch.from_numpy(self.outputs)
        return {**self.weights.tensors(), "inputs": inputs, "outputs": outputs}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave, or from weights in float16 that an earlier Palate stored."""
        weights = (
            QuantizedMatrix.of(tensors["weights"]) if "weights" in tensors else QuantizedMatrix.from_tensors(tensors)
        )
        return cls(weights, tensors["inputs"].numpy(), tensors["outputs"].numpy())


@dataclass(frozen=True)
class Problem:
    """What is to be solved, for any penalty.

    Attributes:
        encoded: float32 (U, F), the training rows.
        coding: how they were encoded.
        pairs: the features and the outputs.
        dropout: p, the share of inputs whose absence is trained for.
        check_cancelled: called between the blocks.
        gram: float32 (F, F), X'X, where that is to be solved from and is counted already.
        num_updated: as of `models.closed_form.gram.Gram`.
    """

    encoded: csr_array
    coding: Coding
    pairs: Pairs
    dropout: float
    check_cancelled: Callable[[], None]
    gram: Matrix | None = None
    num_updated: int | None = None

    @classmethod
    def of(
        cls,
        train: Interactions,
        coding: Coding,
        dropout: float,
        disliked_target: float,
        check_cancelled: Callable[[], None],
    ) -> Problem:
        """Set the problem up for the training users."""
        inputs = coding.inputs(train.rows)
        pairs = Pairs.of(inputs, coding.num_items, disliked_target)
        return cls(coding.encode(train.rows, inputs), coding, pairs, dropout, check_cancelled)

    @property
    def is_by_users(self) -> bool:
        """Whether the users' side is inverted: they are fewer than the features."""
        return self.gram is None and num_inner(self.encoded) < len(self.pairs.inputs)

    @property
    def is_quick(self) -> bool:
        """Whether a solve takes no more than a second or so."""
        return self.is_by_users and num_inner(self.encoded) <= QUICK

    def counted(self, train: Interactions, source: GramSource) -> Problem:
        """Return the problem with its Gram matrix from ``source``, if one is needed."""
        if self.is_by_users:
            return self
        gram = source(train, self.coding, self.check_cancelled)
        gram_FF = gram.counts
        gram_FF /= np.float32(self.coding.unit**2)
        return replace(self, gram=gram_FF, num_updated=gram.num_updated)

    def head(self, num_outputs: int) -> Problem:
        """Cut the problem down to the items that most users liked, or graded."""
        counts = np.bincount(self.encoded.indices)[self.pairs.liked]
        head = np.sort(self.pairs.outputs[np.argsort(-counts, kind="stable")[:num_outputs]])
        inputs = self.pairs.inputs
        places = np.flatnonzero(np.isin(inputs, np.concatenate((head, head + self.coding.num_items, inputs[-1:]))))
        encoded = self.encoded[:, places]
        pairs = Pairs.of(inputs[places], self.coding.num_items, self.pairs.disliked_target)
        return replace(self, encoded=encoded, pairs=pairs, gram=multiply(encoded, self.check_cancelled))

    def aiming(self, disliked_target: float) -> Problem:
        """Return the problem with another target of the disliked items."""
        return replace(self, pairs=replace(self.pairs, disliked_target=disliked_target))

    def solve(self, regularisation: float, constant: float) -> Solution:
        """Solve for penalties of ratings and constant. Leaves no Gram matrix to solve with again."""
        penalty = Penalty(self.dropout, regularisation, constant)
        if self.gram is None:
            weights = self._product(penalty).weights(self.pairs, self.check_cancelled)
        else:
            weights = solve(self.gram, self.pairs, penalty, self.check_cancelled)
        return Solution(QuantizedMatrix.of(weights), self.pairs.inputs, self.pairs.outputs)

    def scorer(self, regularisation: float, constant: float) -> Scorer:
        """Solve for penalties and give what scores users with them, all but the items they rated."""
        score = self._score(Penalty(self.dropout, regularisation, constant))

        def scores(rows: Rows) -> Values:
            scores_BI = np.zeros((len(rows), self.coding.num_items), np.float32)
            scores_BI[:, self.pairs.outputs] = score(self.coding.encode(rows, self.pairs.inputs))
            return scores_BI

        return scores

    def _score(self, penalty: Penalty) -> Callable[[csr_array], Values]:
        if self.gram is None:
            return self._product(penalty).scores
        weights_FC = solve(self.gram.copy(), self.pairs, penalty, self.check_cancelled).float().numpy()
        return lambda encoded: encoded @ weights_FC

    def _product(self, penalty: Penalty) -> Product:
        return solve_by_users(self.encoded, self.pairs, penalty, self.check_cancelled)
