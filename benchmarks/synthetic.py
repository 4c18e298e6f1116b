"""Made-up ratings of any number, in blocks of users: popularity by a power law, taste of low rank, noise.

A user draws four times as many items as they will rate, each by its popularity, and rates those most to their taste,
chance aside; a rating is what the item and the user usually get and give, their taste, and noise, rounded.
Shape letters: U users, I items, E ratings, D dimensions of taste; b users of one block, n drawn items of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.core.interactions import Interactions, Offsets, RatingScale, Rows, Values

SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)
DRAWN = 4  # items, for each that is rated
BLOCK_RATINGS = 1_000_000  # made at once, about
SPREAD = 1.0  # of the logarithm of how many ratings a user has
MIN_RATINGS = 2  # ratings of a user


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """A set of ratings, made block by block.

    Attributes:
        users: U.
        items: I.
        ratings: E, about: where users want more of the popular items than there are, it is a little less.
        skew: exponent of the popularity: the item of rank r is drawn in proportion to r ** -skew; above 0, below 1.
        taste: D.
        noise: standard deviation of a rating's noise, in stars.
        seed: repeats everything.
    """

    users: int
    items: int
    ratings: int
    skew: float = 0.8
    taste: int = 12
    noise: float = 0.8
    seed: int = 0

    def interactions(self) -> Interactions:
        """Put all blocks together, in arrays of the final size."""
        counts = self._counts()
        columns, values = np.empty(counts.sum(), np.int32), np.empty(counts.sum(), np.float32)
        offsets, users, end = np.zeros(self.users + 1, np.int64), 0, 0
        for rows in self._blocks(counts):
            start, end = end, end + rows.num_ratings
            columns[start:end], values[start:end] = rows.columns, rows.values
            offsets[users + 1 : users + len(rows) + 1] = start + rows.offsets[1:]
            users += len(rows)
        rows = Rows(offsets, columns[:end], values[:end])
        return Interactions(rows, [f"item-{item}" for item in range(self.items)], SCALE)

    def blocks(self) -> Iterator[Rows]:
        """Make the users in their order, some at a time."""
        return self._blocks(self._counts())

    def _blocks(self, counts: Offsets) -> Iterator[Rows]:
        block = max(1, BLOCK_RATINGS * self.users // max(1, self.ratings))
        world = _World.of(self)
        for place, start in enumerate(range(0, self.users, block)):
            yield world.rate(counts[start : start + block], np.random.default_rng([self.seed, 1, place]))

    def _counts(self) -> Offsets:
        """Draw the number of ratings that each user wants to give: int64 (U,), log-normal."""
        weights = np.random.default_rng([self.seed, 0]).lognormal(0, SPREAD, self.users)
        wanted = np.rint(weights * (self.ratings / weights.sum())).astype(np.int64)
        return np.asarray(np.clip(wanted, MIN_RATINGS, max(MIN_RATINGS, self.items // 4)))


@dataclass(frozen=True)
class _World:
    """The items.

    Attributes:
        by_rank: int32 (I,), the item of each rank of popularity, so that an item's number says nothing.
        quality: float32 (I,), stars above or below the mean.
        taste: float32 (I, D).
        spec: what was asked for.
    """

    by_rank: np.ndarray
    quality: Values
    taste: Values
    spec: Synthetic

    @classmethod
    def of(cls, spec: Synthetic) -> _World:
        """Draw the items."""
        generator = np.random.default_rng([spec.seed, 2])
        by_rank = generator.permutation(spec.items).astype(np.int32)
        quality = generator.normal(0, 0.4, spec.items).astype(np.float32)
        taste = generator.normal(0, spec.taste**-0.25, (spec.items, spec.taste)).astype(np.float32)
        return cls(by_rank, quality, taste, spec)

    def rate(self, counts_b: Offsets, generator: np.random.Generator) -> Rows:
        """Let some users rate."""
        user_n, item_n = self._drawn(DRAWN * counts_b, generator)
        taste_bD = generator.normal(0, self.spec.taste**-0.25, (len(counts_b), self.spec.taste)).astype(np.float32)
        liking_n = np.einsum("nd,nd->n", taste_bD[user_n], self.taste[item_n])
        chance_n = generator.gumbel(size=len(user_n)).astype(np.float32)
        kept = _first(user_n, -(1.5 * liking_n + chance_n), counts_b)
        user, item = user_n[kept], item_n[kept]
        mood_b = generator.normal(3.5, 0.4, len(counts_b)).astype(np.float32)
        noise = generator.normal(0, self.spec.noise, len(user)).astype(np.float32)
        stars = mood_b[user] + self.quality[item] + 0.6 * liking_n[kept] + noise
        values = np.clip(np.rint(stars / SCALE.step) * SCALE.step, SCALE.minimum, SCALE.maximum)
        offsets = np.concatenate(([0], np.cumsum(np.bincount(user, minlength=len(counts_b)))))
        return Rows(offsets, item, values.astype(np.float32))

    def _drawn(self, counts_b: Offsets, generator: np.random.Generator) -> tuple[Offsets, np.ndarray]:
        """Draw items by popularity, each once a user: the user and the item of each, sorted."""
        exponent = 1 - self.spec.skew
        uniform = generator.random(int(counts_b.sum()))
        rank = (uniform * ((self.spec.items + 1) ** exponent - 1) + 1) ** (1 / exponent) - 1
        item = self.by_rank[np.minimum(rank.astype(np.int64), self.spec.items - 1)]
        user = np.repeat(np.arange(len(counts_b)), counts_b)
        pairs = np.sort(user * np.int64(self.spec.items) + item)
        pairs = pairs[np.insert(np.diff(pairs) > 0, 0, values=True)]  # np.unique takes four times as long
        return pairs // self.spec.items, (pairs % self.spec.items).astype(np.int32)


def _first(user_n: Offsets, order_n: Values, counts_b: Offsets) -> Offsets:
    """Choose each user's first so many by an order; the places, ascending."""
    order = np.argsort(user_n + 1 / (1 + np.exp(-order_n.astype(np.float64))))
    starts_b = np.searchsorted(user_n, np.arange(len(counts_b)))
    place = (
        np.arange(len(user_n)) - starts_b[user_n]
    )  # `order` sorts by user first, so the users stand where they stood
    return np.sort(order[place < counts_b[user_n]])
