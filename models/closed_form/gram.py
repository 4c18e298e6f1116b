"""The Gram matrix behind `linear` as a running sum: users leave and join it, and the others are not counted again.

Its entries are numbers of users, or sums of whole steps of the rating scale (`models.closed_form.encoding`): whole, and
below 2**24 float32 holds them exactly. So the sum after any changes is, bit for bit, the one counted from scratch, and
so is whatever is solved from it.
Source of the check: Freivalds, "Probabilistic machines can use less running time", IFIP 1977.
Shape letters: I items, F features (see `models.closed_form.ridge`), B users in a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse import diags_array, vstack
from torch import Tensor

from models.closed_form.encoding import Coding
from models.closed_form.ridge import BLOCK, Matrix
from models.closed_form.ridge import gram as multiply
from models.core.interactions import Interactions, Offsets, Rows

TYPES = (torch.uint8, torch.uint16, torch.int32)  # of the kept entries: the first that holds the largest
EXACT = 2**24  # whole numbers of float32 have no gaps up to here


@dataclass(frozen=True)
class Gram:
    """How many users have each two features, or how much. The solve writes over ``counts``.

    Attributes:
        coding: how the users' ratings became features.
        inputs: int64 (F,), the features, as in `models.closed_form.ridge.Pairs`.
        counts: float32 (F, F), X'X in whole steps; the last row and column are of the constant, which every user has.
        num_updated: users whose rows were exchanged, in a sum that was kept; None if all of it was counted.
    """

    coding: Coding
    inputs: Offsets
    counts: Matrix
    num_updated: int | None = None

    @classmethod
    def counted(cls, train: Interactions, coding: Coding, check_cancelled: Callable[[], None]) -> Gram:
        """Count all training users."""
        inputs = coding.inputs(train.rows)
        return cls(coding, inputs, multiply(coding.encode_steps(train.rows, inputs), check_cancelled))

    @property
    def largest(self) -> float:
        """The largest entry, which is the constant's own."""
        return float(self.counts[-1, -1])

    def is_of(self, train: Interactions) -> bool:
        """Return whether this is X'X of these rows, from its product with random vectors: wrong once in 2**26 times."""
        encoded = self.coding.encode_steps(train.rows, self.inputs).astype(np.float64)
        random_F2 = np.random.default_rng().integers(0, 2**13, (len(self.inputs), 2)).astype(np.float64)
        expected_F2 = encoded.T @ (encoded @ random_F2)
        blocks = (slice(start, start + BLOCK) for start in range(0, len(self.inputs), BLOCK))
        return all(
            np.array_equal(self.counts[each].astype(np.float64) @ random_F2, expected_F2[each]) for each in blocks
        )

    def exchange(self, gone: Rows, come: Rows) -> None:
        """Take some users' rows out and others in; features that the sum lacks are passed over."""
        parts = [self.coding.encode_steps(rows, self.inputs) for rows in (come, gone)]
        signs = np.repeat(np.array([1, -1], np.float32), (len(come), len(gone)))
        encoded_BF = vstack(parts, format="csr")
        touched = np.unique(encoded_BF.indices)
        encoded_BT = encoded_BF[:, touched]
        signed_TB = (diags_array(signs) @ encoded_BT).T.tocsr()
        for start in range(0, len(touched), BLOCK):
            block = slice(start, start + BLOCK)
            self.counts[np.ix_(touched[block], touched)] += (signed_TB[block] @ encoded_BT).toarray()


GramSource = Callable[[Interactions, Coding, Callable[[], None]], Gram]


@dataclass(frozen=True)
class KeptGram:
    """A Gram matrix as it is stored: one triangle of it, in the fewest bytes.

    Attributes:
        coding: of the ratings over the vocabulary of then.
        inputs: int64 (F,), the features.
        triangle: uint8, uint16 or int32 (F (F + 1) / 2,), the rows up to the diagonal, one after another.
    """

    coding: Coding
    inputs: Offsets
    triangle: Tensor

    @classmethod
    def of(cls, gram: Gram) -> KeptGram:
        """Pack a matrix."""
        counts = gram.counts
        fitting = next(kind for kind in TYPES if gram.largest <= torch.iinfo(kind).max)
        triangle = torch.empty(triangle_size(len(counts)), dtype=fitting)
        packed = triangle.numpy()
        for row in range(len(counts)):
            packed[triangle_size(row) : triangle_size(row + 1)] = counts[row, : row + 1]
        return cls(gram.coding, gram.inputs, triangle)

    def updated(self, column_of: Offsets, gone: Rows, train: Interactions, come: Offsets) -> Gram:
        """Bring the sum up to date.

        Args:
            column_of: int64 (I of then,), where each item is in the vocabulary of ``train``; -1 if it is there no more.
            gone: rows, as the sum has them, of those who left it or whose ratings changed; items that are no longer in
                the vocabulary left out.
            train: everybody whom the sum is to have.
            come: who of ``train`` joined it or has other ratings now.
        """
        coding = replace(self.coding, num_items=train.num_items)
        gram = self._over(coding, coding.inputs(train.rows), column_of)
        gram.exchange(gone, train.rows.take(come))
        return replace(gram, num_updated=max(len(gone), len(come)))

    def _over(self, coding: Coding, inputs: Offsets, column_of: Offsets) -> Gram:
        """Unpack over the features of another vocabulary: those it lacks are dropped, new ones are 0."""
        feature_of = coding.carried(column_of)
        place_of = np.full(coding.constant + 1, -1)
        place_of[inputs] = np.arange(len(inputs))
        features = feature_of[self.inputs]
        places = np.where(features < 0, -1, place_of[features])
        counts, triangle = np.zeros((len(inputs), len(inputs)), np.float32), self.triangle.numpy()
        for row in np.flatnonzero(places >= 0):
            below = places[: row + 1]
            known = below >= 0
            line = triangle[triangle_size(row) : triangle_size(row + 1)][known]
            counts[places[row], below[known]] = line
            counts[below[known], places[row]] = line
        return Gram(coding, inputs, counts)


def triangle_size(num_rows: int | np.integer) -> int:
    """Count the entries of the first rows up to the diagonal."""
    return int(num_rows) * (int(num_rows) + 1) // 2
