"""The Gram matrix of `linear` as a running sum, updated for users who leave or join without counting the others again.

Its entries are numbers of users, or sums of whole steps of the rating scale (`models.closed_form.encoding`): integers,
which float32 holds exactly below 2**24. So after any changes the sum is, bit for bit, the one counted from scratch, and
so is every solution computed from it.
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

from models.closed_form.encoding import Encoding
from models.closed_form.ridge import BLOCK, Matrix
from models.closed_form.ridge import gram as multiply
from models.core.interactions import Interactions, Offsets, Rows

TYPES = (torch.uint8, torch.uint16, torch.int32)  # of the packed entries: the first that holds the largest
EXACT = 2**24  # float32 holds every integer up to here


@dataclass(frozen=True)
class Gram:
    """X'X of the training users: how many of them have each pair of features. The solve overwrites ``counts``.

    Attributes:
        encoding: of the users' ratings as features.
        inputs: int64 (F,), the features, as in `models.closed_form.ridge.ChannelPairs`.
        counts: float32 (F, F), X'X in whole steps; the last row and column are of the constant, which every user has.
        num_updated: users whose rows were exchanged in a stored sum; None if it was counted from scratch.
    """

    encoding: Encoding
    inputs: Offsets
    counts: Matrix
    num_updated: int | None = None

    @classmethod
    def count(cls, train: Interactions, encoding: Encoding, check_cancelled: Callable[[], None]) -> Gram:
        """Count all training users."""
        inputs = encoding.inputs(train.rows)
        return cls(encoding, inputs, multiply(encoding.encode_steps(train.rows, inputs), check_cancelled))

    @property
    def largest(self) -> float:
        """Largest entry, which is that of the constant."""
        return float(self.counts[-1, -1])

    def matches(self, train: Interactions) -> bool:
        """Return whether this is X'X of these rows, by its product with random vectors: wrong once in 2**26 times."""
        encoded = self.encoding.encode_steps(train.rows, self.inputs).astype(np.float64)
        random_F2 = np.random.default_rng().integers(0, 2**13, (len(self.inputs), 2)).astype(np.float64)
        expected_F2 = encoded.T @ (encoded @ random_F2)
        blocks = (slice(start, start + BLOCK) for start in range(0, len(self.inputs), BLOCK))
        return all(
            np.array_equal(self.counts[each].astype(np.float64) @ random_F2, expected_F2[each]) for each in blocks
        )

    def exchange(self, removed: Rows, added: Rows) -> None:
        """Subtract the rows of some users and add those of others, ignoring features that the sum lacks."""
        parts = [self.encoding.encode_steps(rows, self.inputs) for rows in (added, removed)]
        signs = np.repeat(np.array([1, -1], np.float32), (len(added), len(removed)))
        encoded_BF = vstack(parts, format="csr")
        touched = np.unique(encoded_BF.indices)
        encoded_BT = encoded_BF[:, touched]
        signed_TB = (diags_array(signs) @ encoded_BT).T.tocsr()
        for start in range(0, len(touched), BLOCK):
            block = slice(start, start + BLOCK)
            self.counts[np.ix_(touched[block], touched)] += (signed_TB[block] @ encoded_BT).toarray()


GramSource = Callable[[Interactions, Encoding, Callable[[], None]], Gram]


@dataclass(frozen=True)
class PackedGram:
    """A Gram matrix packed for storage: one triangle of it, in as few bytes as possible.

    Attributes:
        encoding: of the ratings, over the vocabulary of that time.
        inputs: int64 (F,), the features.
        triangle: uint8, uint16 or int32 (F (F + 1) / 2,), the rows up to the diagonal, concatenated.
    """

    encoding: Encoding
    inputs: Offsets
    triangle: Tensor

    @classmethod
    def of(cls, gram: Gram) -> PackedGram:
        """Pack a matrix."""
        counts = gram.counts
        fitting = next(kind for kind in TYPES if gram.largest <= torch.iinfo(kind).max)
        triangle = torch.empty(triangle_size(len(counts)), dtype=fitting)
        packed = triangle.numpy()
        for row in range(len(counts)):
            packed[triangle_size(row) : triangle_size(row + 1)] = counts[row, : row + 1]
        return cls(gram.encoding, gram.inputs, triangle)

    def update(self, column_of: Offsets, removed: Rows, train: Interactions, added: Offsets) -> Gram:
        """Bring the sum up to date.

        Args:
            column_of: int64 (I of that time,), the column of each item in ``train``; -1 if it is no longer there.
            removed: the rows, as they are in the sum, of users who left or whose ratings changed, without items that
                are no longer in the vocabulary.
            train: all users that the sum should cover.
            added: the users of ``train`` who joined or whose ratings changed.
        """
        encoding = replace(self.encoding, num_items=train.num_items)
        gram = self._unpack(encoding, encoding.inputs(train.rows), column_of)
        gram.exchange(removed, train.rows.take(added))
        return replace(gram, num_updated=max(len(removed), len(added)))

    def _unpack(self, encoding: Encoding, inputs: Offsets, column_of: Offsets) -> Gram:
        """Unpack over the features of another vocabulary, dropping those it lacks; new ones are 0."""
        feature_of = encoding.map_columns(column_of)
        place_of = np.full(encoding.constant + 1, -1)
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
        return Gram(encoding, inputs, counts)


def triangle_size(num_rows: int | np.integer) -> int:
    """Count the entries of the first rows up to the diagonal."""
    return int(num_rows) * (int(num_rows) + 1) // 2
