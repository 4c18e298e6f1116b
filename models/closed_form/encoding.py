"""Encoding of ratings as the input of `linear`: two channels per item, or a single graded one.

Shape letters: B users in a batch, I items, E ratings, F input features (see `models.closed_form.ridge`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from models.core.interactions import Indices, Offsets, RatingScale, Rows, Values


@dataclass(frozen=True)
class Encoding:
    """The features that a rating sets, and their values.

    A feature is a column: i, if item i is liked, or I + i, if item i is disliked, each 1 where it is set. If graded,
    there is only column i, and its value is the rating's place on the scale, 0..1. Column 2 I is the constant 1.
    """

    scale: RatingScale
    num_items: int
    graded: bool

    @property
    def constant(self) -> int:
        """Column of the constant, the last one."""
        return 2 * self.num_items

    @property
    def unit(self) -> int:
        """Number of whole steps that make 1: the steps of the scale, if graded."""
        return round((self.scale.maximum - self.scale.minimum) / self.scale.step) if self.graded else 1

    def columns(self, items: Indices, values: Values) -> Offsets:
        """Return the column of each rating: int64 (E,)."""
        if self.graded:
            return items.astype(np.int64)
        return np.where(values >= self.scale.like_threshold, items, items + np.int64(self.num_items)).astype(np.int64)

    def map_columns(self, item_of: Offsets) -> Offsets:
        """Return the column here of each column of another vocabulary: int64 (2 * its I + 1,), -1 if it has none.

        Args:
            item_of: int64 (its I,), the place here of each of its items; -1 if it has none.
        """
        disliked = np.where(item_of < 0, -1, item_of + self.num_items)
        return np.concatenate((item_of, disliked, [self.constant]))

    def steps(self, values: Values) -> Values:
        """Return the value of each rating in its column, in whole steps: float32 (E,)."""
        if self.graded:
            steps: Values = np.rint((values - np.float32(self.scale.minimum)) / np.float32(self.scale.step))
            return steps
        return np.ones(len(values), np.float32)

    def inputs(self, rows: Rows) -> Offsets:
        """Find the columns that occur, the constant last: int64 (F,)."""
        columns = self.columns(rows.columns, rows.values)
        return np.append(np.flatnonzero(np.bincount(columns, minlength=self.constant)), self.constant)

    def encode_steps(self, rows: Rows, inputs: Offsets) -> csr_array:
        """Encode rows over some columns only, the constant last: float32 (B, F), in whole steps."""
        place = np.full(self.constant + 1, -1)
        place[inputs] = np.arange(len(inputs))
        places = place[self.columns(rows.columns, rows.values)]
        known = rows.where(places >= 0)
        with_constant = np.insert(places[places >= 0], known.offsets[1:], len(inputs) - 1)
        steps = np.insert(self.steps(known.values), known.offsets[1:], self.unit)
        return csr_array(
            (steps, with_constant, known.offsets + np.arange(len(rows) + 1)), shape=(len(rows), len(inputs))
        )

    def encode(self, rows: Rows, inputs: Offsets) -> csr_array:
        """Encode rows as `encode_steps` does, but on 0..1: float32 (B, F)."""
        encoded_BF = self.encode_steps(rows, inputs)
        encoded_BF.data /= np.float32(self.unit)
        return encoded_BF
