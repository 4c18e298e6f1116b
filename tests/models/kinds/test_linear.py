"""The closed form against a plain solve of the same equations."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from models.closed_form import dual, ridge
from models.closed_form.encoding import Encoding
from models.core.interactions import Interactions, Offsets
from models.fit import Fit, FitOptions
from models.inference.quantized import QuantizedMatrix
from models.kinds.linear import CONSTANT_PENALTIES, LinearAutoencoder
from models.kinds.linear_problem import Problem
from tests.models.helpers import STARS, row, split, tastes

DATA = tastes(num_users=40, num_items=8)
NOTHING = DATA.take(np.arange(0))


def solve(data: Interactions, **config: float | bool) -> LinearAutoencoder:
    fit = Fit(
        "linear",
        data,
        data.take(np.arange(0)),
        FitOptions(),
        config={"regularisation": 5.0, "disliked_target": 0.3, **config},
    )
    next(iter(fit))
    assert isinstance(fit.best, LinearAutoencoder)
    return fit.best


def dense_features(data: Interactions, graded: bool = False) -> np.ndarray:
    dense: np.ndarray = encode(data, graded)[0].toarray().astype(np.float64)
    return dense


def encode(data: Interactions, graded: bool = False) -> tuple[csr_array, Offsets]:
    encoding = Encoding(STARS, data.num_items, graded)
    inputs = encoding.inputs(data.rows)
    return encoding.encode(data.rows, inputs), inputs


def test_weights_are_those_of_a_ridge_regression_without_the_items_own_channels() -> None:
    model, X = solve(DATA), dense_features(DATA)
    G = X.T @ X
    penalty = np.diag(G) * 0.3 / 0.7 + 5.0
    penalty[-1] = ridge.MIN_CONSTANT
    weights = QuantizedMatrix.from_tensors(model.tensors()).weights(slice(None), slice(None))
    for item in range(DATA.num_items):
        others = [f for f in range(X.shape[1]) if f not in (item, DATA.num_items + item)]
        wanted = G[others, item] + 0.3 * G[others, DATA.num_items + item]
        expected = np.linalg.solve((G + np.diag(penalty))[np.ix_(others, others)], wanted)
        np.testing.assert_allclose(weights[others, item], expected, atol=2e-3)
        assert weights[item, item] == pytest.approx(0, abs=1e-8)
        assert weights[DATA.num_items + item, item] == pytest.approx(0, abs=1e-8)


def test_graded_weights_are_those_of_a_ridge_regression_on_places_on_the_scale() -> None:
    model, X = solve(DATA, graded=True), dense_features(DATA, graded=True)
    expected_X = np.zeros((DATA.num_users, DATA.num_items))
    expected_X[DATA.rows.row_of_entry, DATA.rows.columns] = (DATA.rows.values - 1) / 4
    np.testing.assert_allclose(X, np.column_stack((expected_X, np.ones(DATA.num_users))), atol=1e-6)
    G = X.T @ X
    penalty = np.diag(G) * 0.3 / 0.7 + 5.0
    penalty[-1] = ridge.MIN_CONSTANT
    scores = model.preference(DATA.rows)
    for item in range(DATA.num_items):
        others = [f for f in range(X.shape[1]) if f != item]
        weights = np.linalg.solve((G + np.diag(penalty))[np.ix_(others, others)], G[others, item])
        np.testing.assert_allclose(scores[:, item], X[:, others] @ weights, atol=4e-3)


@pytest.mark.parametrize("graded", [False, True])
def test_a_row_scores_the_same_alone_and_in_a_batch(graded: bool) -> None:
    model = solve(DATA, graded=graded)
    together = model.preference(DATA.rows)
    for user in range(5):
        one = DATA.rows.take(np.array([user]))
        np.testing.assert_allclose(model.preference_row(one.columns, one.values), together[user], atol=1e-3)


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("value", [1.0, 5.0])
def test_rating_an_item_does_not_change_its_own_score(value: float, graded: bool) -> None:
    model = solve(DATA, graded=graded)
    before, after = model.preference(row((3, 4.0))), model.preference(row((3, 4.0), (5, value)))
    assert before[0, 5] == pytest.approx(after[0, 5], abs=1e-6)
    assert np.abs(before - after).max() > (0 if graded and value == STARS.minimum else 1e-3) - 1e-9


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("constant", [0.0, 10.0])
def test_solving_by_features_and_by_users_agrees(graded: bool, constant: float) -> None:
    few = tastes(num_users=12, num_items=20)
    user, first = few.rows.row_of_entry, few.rows.offsets[few.rows.row_of_entry]
    thinned = few.rows.where((user > 3) | ((user > 0) & (np.arange(few.rows.num_ratings) == first)))
    encoded, inputs = encode(Interactions(thinned, few.item_ids, STARS), graded)
    assert thinned.counts[:4].tolist() == [0, 1, 1, 1]
    assert dual.num_inner(encoded) == 8
    pairs = ridge.ChannelPairs.of(inputs, few.num_items, 0.3)
    penalty = ridge.Penalty(0.4, 5.0, constant)
    by_items = ridge.solve(ridge.gram(encoded, ignore), pairs, penalty, ignore)
    by_users = dual.solve_by_users(encoded, pairs, penalty, ignore).weights(pairs, ignore)
    np.testing.assert_allclose(by_items, by_users, atol=1e-4)
    assert np.abs(by_items.numpy()).max() > 0.1


def test_the_penalty_is_chosen_on_the_head_of_the_catalogue_where_the_whole_takes_long() -> None:
    problem = Problem.of(
        DATA, Encoding(STARS, DATA.num_items, graded=False), dropout=0.4, disliked_target=0.3, check_cancelled=ignore
    )
    assert not problem.is_by_users
    assert not problem.is_quick
    head = problem.head(3)
    liked = DATA.rows.columns[DATA.rows.values >= STARS.like_threshold]
    counts = np.bincount(liked, minlength=DATA.num_items)
    assert counts[head.pairs.outputs].min() >= np.sort(counts)[-3]


def test_both_solves_give_unrated_items_the_same_scores() -> None:
    few = DATA.take(np.arange(10))
    problem = Problem.of(
        few, Encoding(STARS, DATA.num_items, graded=False), dropout=0.4, disliked_target=0.3, check_cancelled=ignore
    )
    assert problem.is_quick
    by_users = problem.scorer(5.0, 0.0)(few.rows)
    by_items = replace(problem, gram=ridge.gram(problem.encoded, ignore)).scorer(5.0, 0.0)(few.rows)
    rated = few.rows.row_of_entry, few.rows.columns
    by_users[rated] = by_items[rated] = 0
    np.testing.assert_allclose(by_users, by_items, atol=2e-3)
    assert np.abs(by_users).max() > 0.1


def ignore() -> None:
    """Never cancel."""


def test_inverting_in_place_works_beyond_one_block() -> None:
    size = ridge.BLOCK + 300
    low = np.random.default_rng(0).normal(size=(size, 50)).astype(np.float32)
    matrix = low @ low.T + 60 * np.eye(size, dtype=np.float32)
    inverse = matrix.copy()
    ridge.invert(inverse, ignore)
    np.testing.assert_allclose(inverse @ matrix, np.eye(size), atol=1e-3)


def test_an_item_without_likes_scores_zero_and_a_row_with_only_it_can_be_scored() -> None:
    data = Interactions.from_arrays(
        np.array([0, 0, 1, 1]), np.array([0, 1, 0, 2]), np.array([5.0, 5, 5, 1]), ["a", "b", "c", "d"], scale=STARS
    )
    model = solve(data)
    assert model.preference(row((0, 5.0)))[0, [2, 3]].tolist() == [0, 0]
    assert np.isfinite(model.preference(row((3, 5.0)))).all()


def test_an_empty_row_is_ordered_by_popularity() -> None:
    users, items = np.array([0, 1, 2, 3, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1, 2])
    data = Interactions.from_arrays(users, items, np.full(7, 5.0), ["a", "b", "c"], scale=STARS)
    assert np.argsort(-solve(data).preference(row())[0]).tolist() == [0, 1, 2]


def test_the_disliked_target_is_chosen_on_validation_users_and_is_zero_without_them() -> None:
    train, validation = split(tastes())
    figures = {}
    for target in (0.0, 0.3):
        config = {"graded": False, "regularisation": 5.0, "disliked_target": target}
        fit = Fit("linear", train, validation, FitOptions(), config=config)
        figures[target] = next(iter(fit)).metrics["ndcg@100"]
    fit = Fit("linear", train, validation, FitOptions(), config={"graded": False, "regularisation": 5.0})
    assert next(iter(fit)).metrics["ndcg@100"] == max(figures.values())
    alone = Fit("linear", DATA, NOTHING, FitOptions())
    assert next(iter(alone)).metrics["disliked_target"] == 0


def test_how_ratings_are_coded_is_chosen_on_validation_users() -> None:
    train, validation = split(tastes())
    figures = {}
    for graded in (False, True):
        config = {"graded": graded, "regularisation": 5.0, "disliked_target": 0.0}
        figures[graded] = next(iter(Fit("linear", train, validation, FitOptions(), config=config))).metrics
    fit = Fit("linear", train, validation, FitOptions(), config={"regularisation": 5.0, "disliked_target": 0.0})
    chosen = next(iter(fit)).metrics
    assert figures[True]["ndcg@100"] != figures[False]["ndcg@100"]
    assert chosen["ndcg@100"] == max(each["ndcg@100"] for each in figures.values())
    assert fit.best.config.graded is bool(chosen["graded"])  # type: ignore[attr-defined]


def test_the_constant_penalty_is_chosen_on_validation_users() -> None:
    train, validation = split(tastes())
    pinned = {"graded": True, "regularisation": 50.0}
    figures = {}
    for constant in CONSTANT_PENALTIES:
        fit = Fit("linear", train, validation, FitOptions(), config={**pinned, "constant_penalty": constant})
        figures[constant] = next(iter(fit)).metrics["ndcg@100"]
    assert len(set(figures.values())) == len(CONSTANT_PENALTIES)
    chosen = next(iter(Fit("linear", train, validation, FitOptions(), config=pinned))).metrics
    assert chosen["ndcg@100"] == max(figures.values()) == figures[chosen["constant_penalty"]]
    alone = Fit("linear", DATA, NOTHING, FitOptions())
    assert next(iter(alone)).metrics["constant_penalty"] == 0


def test_a_model_of_an_earlier_version_has_no_constant_penalty() -> None:
    model = solve(DATA, constant_penalty=0.0)
    config = {name: value for name, value in asdict(model.config).items() if name != "constant_penalty"}
    assert LinearAutoencoder.from_tensors(config, STARS, model.tensors()).config.constant_penalty == 0


def test_the_penalty_chosen_on_validation_users_is_reported_and_reused() -> None:
    train, validation = split(tastes())
    fit = Fit("linear", train, validation, FitOptions())
    report = next(iter(fit))
    assert report.epochs == 1
    assert report.metrics["regularisation"] == fit.best.config.regularisation  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "config", [{"dropout": 1.0}, {"regularisation": 0.0}, {"constant_penalty": -1.0}, {"lambda": 3}]
)
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"dropout|regularisation|constant_penalty"):
        Fit("linear", DATA, NOTHING, FitOptions(), config=config)


def test_weights_stored_by_an_earlier_version_are_read() -> None:
    model = solve(DATA)
    now = model.tensors()
    rounded = QuantizedMatrix.from_tensors(now)
    before = {name: tensor for name, tensor in now.items() if name not in rounded.tensors()}
    before["weights"] = torch.from_numpy(rounded.weights(slice(None), slice(None))).half()
    old = LinearAutoencoder.from_tensors(asdict(model.config), DATA.scale, before)
    np.testing.assert_allclose(old.preference(DATA.rows), model.preference(DATA.rows), atol=2e-3)
