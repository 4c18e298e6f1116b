"""The peers that are written out here: tiny data with the answers known by eye."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from benchmarks.peers.environments import ROOT
from benchmarks.peers.methods import ease, itemknn
from benchmarks.peers.methods.files import Matrix, Scale
from benchmarks.peers.methods.positives import positives

TEN = Scale(minimum=0, maximum=10, step=1, like_threshold=8)


def ratings(*rows: dict[int, float], num_items: int = 4) -> Matrix:
    """Write rows as a matrix whose zeros are ratings."""
    columns = [column for row in rows for column in row]
    values = np.array([value for row in rows for value in row.values()], np.float32)
    return sparse.csr_matrix((values, columns, np.cumsum([0, *map(len, rows)])), shape=(len(rows), num_items))


def test_each_way_to_read_ratings_sees_its_positives_and_leaves_the_ratings_alone() -> None:
    given = ratings({0: 0, 1: 10}, {2: 8, 3: 7})
    assert positives(given, "liked", TEN).toarray().tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    assert positives(given, "all", TEN).toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    graded = positives(given, "graded", TEN).toarray()
    np.testing.assert_allclose(graded, np.array([[1, 11, 0, 0], [0, 0, 9, 8]]) / 11)
    assert given.indices.tolist() == [0, 1, 2, 3]
    assert given.data.tolist() == [0, 10, 8, 7]


def test_cosine_is_shrunk_and_nobody_is_his_own_neighbour() -> None:
    rows = ratings({0: 1, 1: 1}, {0: 1, 1: 1}, {0: 1, 2: 1}, {0: 1})
    similar = itemknn.cosine(rows, shrinkage=2).toarray()
    assert similar[0, 1] == pytest.approx(2 / (2 * np.sqrt(2) + 2))
    assert similar[0, 2] == pytest.approx(1 / (2 + 2))
    assert similar[1, 2] == 0
    assert np.diag(similar).tolist() == [0, 0, 0, 0]


def test_an_item_keeps_its_nearest_neighbours_only() -> None:
    near = sparse.csr_matrix(np.array([[0, 3, 2, 1], [3, 0, 1, 0], [2, 1, 0, 0], [1, 0, 0, 0]], float))
    assert itemknn.neighbours(near, 1).toarray().tolist() == [[0, 3, 2, 1], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert itemknn.neighbours(near, 2).toarray().tolist() == [[0, 3, 2, 1], [3, 0, 1, 0], [2, 1, 0, 0], [0, 0, 0, 0]]


def test_ease_solves_every_column_as_a_ridge_regression_on_the_others() -> None:
    generator = np.random.default_rng(0)
    x = (generator.random((30, 5)) < 0.5).astype(np.float32)
    found = ease.weights(x.T @ x, regularisation=3.0)
    for item in range(5):
        others = [other for other in range(5) if other != item]
        ridge = np.linalg.solve(x[:, others].T @ x[:, others] + 3 * np.eye(4), x[:, others].T @ x[:, item])
        np.testing.assert_allclose(found[others, item], ridge, rtol=1e-3, atol=1e-4)
        assert found[item, item] == 0


def test_the_peers_side_needs_nothing_of_ours() -> None:
    names = "popularity", "itemknn", "ease", "__main__"
    program = f"import sys, importlib; [importlib.import_module('benchmarks.peers.methods.' + n) for n in {names}]"
    program += "; print(sorted({m.split('.')[0] for m in sys.modules} & {'models', 'app', 'torch'}))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
