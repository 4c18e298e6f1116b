"""An updated Gram matrix equals one counted from scratch, and so do the models solved from them."""

from dataclasses import asdict
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from models.closed_form import ridge
from models.closed_form.encoding import Encoding
from models.closed_form.gram import Gram, GramSource, PackedGram
from models.core.interactions import Interactions, Offsets, Rows
from models.fit import Fit, FitOptions
from models.kinds.linear import LinearAutoencoder
from tests.models.helpers import STARS

Cells = dict[tuple[int, int], float]  # (number of a user, number of an item) -> rating
PINNED = {"regularisation": 5.0, "disliked_target": 0.3}
RNG = np.random.default_rng(0)
BASE: Cells = {
    (user, int(item)): float(RNG.integers(1, 6)) for user in range(40) for item in RNG.choice(12, 5, replace=False)
}


def table(cells: Cells) -> tuple[Interactions, Offsets, Offsets]:
    """Lay ratings out: the table, and the numbers of its users and items."""
    keys = np.array(sorted(cells)).reshape(-1, 2)
    users, rows = np.unique(keys[:, 0], return_inverse=True)
    items, columns = np.unique(keys[:, 1], return_inverse=True)
    values = np.array([cells[user, item] for user, item in keys.tolist()])
    names = [f"item-{item}" for item in items]
    return Interactions.from_arrays(rows, columns, values, names, scale=STARS, num_users=len(users)), users, items


def encoding(data: Interactions, graded: bool = False) -> Encoding:
    return Encoding(STARS, data.num_items, graded)


def update_gram(before: Cells, after: Cells, graded: bool = False) -> Gram:
    """Bring the sum of some ratings up to date with others."""
    (old, old_users, old_items), (new, new_users, new_items) = table(before), table(after)
    kept = PackedGram.of(Gram.count(old, encoding(old, graded), ignore))
    changed = {
        user for user, item in before.keys() | after.keys() if before.get((user, item)) != after.get((user, item))
    }
    place = {item: column for column, item in enumerate(new_items.tolist())}
    column_of = np.array([place.get(item, -1) for item in old_items.tolist()])
    gone = old.rows.take(np.flatnonzero(np.isin(old_users, list(changed))))
    known = gone.where(column_of[gone.columns] >= 0)
    there = Rows(known.offsets, column_of[known.columns].astype(np.int32), known.values)
    return kept.update(column_of, there, new, np.flatnonzero(np.isin(new_users, list(changed))))


def ignore() -> None:
    """Never cancel."""


def fit_model(cells: Cells, source: GramSource = Gram.count) -> tuple[LinearAutoencoder, dict[str, float]]:
    train = table(cells)[0]
    fit = Fit("linear", train, train.take(np.arange(0)), FitOptions(), config=PINNED, gram=source)
    report = next(iter(fit))
    return cast("LinearAutoencoder", fit.best), report.metrics


def assert_same(update: Gram, cells: Cells) -> None:
    scratch = Gram.count(table(cells)[0], update.encoding, ignore)
    np.testing.assert_array_equal(update.inputs, scratch.inputs)
    np.testing.assert_array_equal(update.counts, scratch.counts)
    assert update.matches(table(cells)[0])


CHANGES = st.dictionaries(
    st.tuples(st.integers(0, 45), st.integers(0, 15)), st.none() | st.integers(1, 5).map(float), max_size=30
)


@given(CHANGES, st.booleans())
def test_an_updated_gram_matrix_equals_one_counted_from_scratch(
    changes: dict[tuple[int, int], float | None], graded: bool
) -> None:
    after = {pair: value for pair, value in (BASE | changes).items() if value is not None}
    assert_same(update_gram(BASE, after, graded), after)


@given(st.lists(CHANGES, min_size=2, max_size=4))
def test_repeated_updates_do_not_drift(steps: list[dict[tuple[int, int], float | None]]) -> None:
    states = [BASE]
    for changes in steps:
        states.append({pair: value for pair, value in (states[-1] | changes).items() if value is not None})
    for before, after in pairwise(states):
        assert_same(update_gram(before, after), after)


def test_the_model_solved_from_an_updated_sum_is_the_one_of_a_full_fit() -> None:
    after: Cells = {**BASE, (3, 2): 1.0, (3, 11): 5.0, (50, 20): 5.0, (50, 0): 4.0, (51, 20): 2.0}
    full, counted = fit_model(after)
    update, figures = fit_model(
        after, lambda train, encoding, check_cancelled: update_gram(BASE, after, encoding.graded)
    )
    rows = table(BASE)[0].rows
    np.testing.assert_array_equal(update.preference(rows), full.preference(rows))
    np.testing.assert_array_equal(update.rating(rows), full.rating(rows))
    assert np.ptp(full.preference(rows)) > 0.1
    assert figures == {**counted, "updated_users": 3}


def test_a_removed_user_leaves_no_trace_in_the_model() -> None:
    without = {pair: value for pair, value in BASE.items() if pair[0] != 7}
    never, _ = fit_model(without)
    unlearned, _ = fit_model(
        without, lambda train, encoding, check_cancelled: update_gram(BASE, without, encoding.graded)
    )
    for name, tensor in never.tensors().items():
        np.testing.assert_array_equal(unlearned.tensors()[name], tensor, err_msg=name)
    with_him = fit_model(BASE)[0].tensors()["packed"]
    assert not torch.equal(with_him, never.tensors()["packed"])
    assert asdict(cast("Any", never.config)) == asdict(cast("Any", unlearned.config))


def test_a_gram_matrix_of_other_ratings_is_detected_even_with_equal_counts() -> None:
    one: Cells = {(0, 0): 5.0, (0, 1): 5.0, (1, 2): 5.0, (1, 3): 5.0}
    other: Cells = {(0, 0): 5.0, (0, 2): 5.0, (1, 1): 5.0, (1, 3): 5.0}
    data = table(one)[0]
    gram = Gram.count(data, encoding(data), ignore)
    assert gram.matches(table(one)[0])
    assert not gram.matches(table(other)[0])


@pytest.mark.parametrize(("num_users", "num_bytes"), [(255, 1), (256, 2), (70_000, 4)])
def test_counts_are_kept_in_as_few_bytes_as_hold_the_users(num_users: int, num_bytes: int) -> None:
    counts = np.array([[5, 3], [3, num_users]], np.float32)
    kept = PackedGram.of(Gram(Encoding(STARS, 1, graded=False), np.array([0, 2]), counts))
    assert kept.triangle.element_size() == num_bytes
    assert kept.triangle.tolist() == [5, 3, num_users]


def test_more_features_than_a_block_are_exchanged() -> None:
    num_items = ridge.BLOCK + 50
    rows = Rows(np.array([0, num_items]), np.arange(num_items, dtype=np.int32), np.full(num_items, 5, np.float32))
    size = num_items + 1
    stars, inputs = Encoding(STARS, num_items, graded=False), np.append(np.arange(num_items), 2 * num_items)
    gram = Gram(stars, inputs, np.full((size, size), 4, np.float32))
    gram.exchange(rows, Rows(np.zeros(1, np.int64), rows.columns[:0], rows.values[:0]))
    assert (gram.counts == 3).all()


def test_dense_and_sparse_batches_give_the_same_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = csr_array(np.random.default_rng(0).integers(0, 3, (600, 70)).astype(np.float32))
    both = []
    for enough in (0, np.inf):
        monkeypatch.setattr(ridge, "DENSE_ENOUGH", enough)
        both.append(ridge.gram(encoded, lambda: None))
    np.testing.assert_array_equal(both[0], both[1])
    np.testing.assert_array_equal(both[0], (encoded.T @ encoded).toarray())
