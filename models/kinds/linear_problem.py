"""The solve of the `linear` kind, by features or by users, whichever is cheaper.

Shape letters: B users in a batch, I items, F input features and C output items (see `models.closed_form.ridge`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from models.closed_form.dual import FactoredWeights, num_inner, solve_by_users
from models.closed_form.encoding import Encoding
from models.closed_form.gram import GramSource
from models.closed_form.ridge import ChannelPairs, Matrix, Penalty, solve
from models.closed_form.ridge import gram as multiply
from models.core.interactions import Interactions, Offsets, Rows, Values
from models.evaluation.ranking import Scorer
from models.inference.quantized import QuantizedMatrix

QUICK = 2_000  # users whose matrix is inverted within a second


@dataclass(frozen=True)
class Solution:
    """Weights from the features that occurred in training to the items that at least one user liked.

    Attributes:
        weights: (F, C).
        inputs: int64 (F,), the features, as in `models.closed_form.ridge.ChannelPairs`.
        outputs: int64 (C,), the items.
    """

    weights: QuantizedMatrix
    inputs: Offsets
    outputs: Offsets

    def tensors(self) -> dict[str, Tensor]:
        """Return all three by name."""
        inputs, outputs = torch.from_numpy(self.inputs), torch.from_numpy(self.outputs)
        return {**self.weights.tensors(), "inputs": inputs, "outputs": outputs}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Build from the result of `tensors`, or from float16 weights stored by an earlier version."""
        weights = (
            QuantizedMatrix.of(tensors["weights"]) if "weights" in tensors else QuantizedMatrix.from_tensors(tensors)
        )
        return cls(weights, tensors["inputs"].numpy(), tensors["outputs"].numpy())


@dataclass(frozen=True)
class Problem:
    """The regression to solve, for any penalty.

    Attributes:
        encoded: float32 (U, F), the training rows.
        encoding: how they were encoded.
        pairs: the features and the outputs.
        dropout: p, the share of inputs dropped in training.
        check_cancelled: called between the blocks.
        gram: float32 (F, F), X'X, once it is counted; None to solve by users.
        num_updated: as of `models.closed_form.gram.Gram`.
    """

    encoded: csr_array
    encoding: Encoding
    pairs: ChannelPairs
    _: KW_ONLY
    dropout: float
    check_cancelled: Callable[[], None]
    gram: Matrix | None = None
    num_updated: int | None = None

    @classmethod
    def of(
        cls,
        train: Interactions,
        encoding: Encoding,
        *,
        dropout: float,
        disliked_target: float,
        check_cancelled: Callable[[], None],
    ) -> Problem:
        """Set up the problem for the training users."""
        inputs = encoding.inputs(train.rows)
        pairs = ChannelPairs.of(inputs, encoding.num_items, disliked_target)
        return cls(
            encoding.encode(train.rows, inputs), encoding, pairs, dropout=dropout, check_cancelled=check_cancelled
        )

    @property
    def is_by_users(self) -> bool:
        """Whether to solve by users, because they are fewer than the features."""
        return self.gram is None and num_inner(self.encoded) < len(self.pairs.inputs)

    @property
    def is_quick(self) -> bool:
        """Whether a solve takes about a second at most."""
        return self.is_by_users and num_inner(self.encoded) <= QUICK

    def with_gram(self, train: Interactions, source: GramSource) -> Problem:
        """Return the problem with its Gram matrix from ``source``, if it is solved by features."""
        if self.is_by_users:
            return self
        gram = source(train, self.encoding, self.check_cancelled)
        gram_FF = gram.counts
        gram_FF /= np.float32(self.encoding.unit**2)
        return replace(self, gram=gram_FF, num_updated=gram.num_updated)

    def head(self, num_outputs: int) -> Problem:
        """Return the problem for only the items that most users liked, or graded."""
        counts = np.bincount(self.encoded.indices)[self.pairs.liked]
        head = np.sort(self.pairs.outputs[np.argsort(-counts, kind="stable")[:num_outputs]])
        inputs = self.pairs.inputs
        places = np.flatnonzero(np.isin(inputs, np.concatenate((head, head + self.encoding.num_items, inputs[-1:]))))
        encoded = self.encoded[:, places]
        pairs = ChannelPairs.of(inputs[places], self.encoding.num_items, self.pairs.disliked_target)
        return replace(self, encoded=encoded, pairs=pairs, gram=multiply(encoded, self.check_cancelled))

    def with_disliked_target(self, disliked_target: float) -> Problem:
        """Return the problem with another target for disliked items."""
        return replace(self, pairs=replace(self.pairs, disliked_target=disliked_target))

    def solve(self, regularisation: float, constant: float) -> Solution:
        """Solve for penalties of ratings and constant. The Gram matrix is overwritten, so call it only once."""
        penalty = Penalty(self.dropout, regularisation, constant)
        if self.gram is None:
            weights = self._factored_weights(penalty).weights(self.pairs, self.check_cancelled)
        else:
            weights = solve(self.gram, self.pairs, penalty, self.check_cancelled)
        return Solution(QuantizedMatrix.of(weights), self.pairs.inputs, self.pairs.outputs)

    def scorer(self, regularisation: float, constant: float) -> Scorer:
        """Solve for penalties and return a scorer, valid except for the items that users rated."""
        score = self._score(Penalty(self.dropout, regularisation, constant))

        def scores(rows: Rows) -> Values:
            scores_BI = np.zeros((len(rows), self.encoding.num_items), np.float32)
            scores_BI[:, self.pairs.outputs] = score(self.encoding.encode(rows, self.pairs.inputs))
            return scores_BI

        return scores

    def _score(self, penalty: Penalty) -> Callable[[csr_array], Values]:
        if self.gram is None:
            return self._factored_weights(penalty).scores
        weights_FC = solve(self.gram.copy(), self.pairs, penalty, self.check_cancelled).float().numpy()
        return lambda encoded: encoded @ weights_FC

    def _factored_weights(self, penalty: Penalty) -> FactoredWeights:
        return solve_by_users(self.encoded, self.pairs, penalty, self.check_cancelled)
