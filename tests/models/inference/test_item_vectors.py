import numpy as np

from models.inference.item_vectors import join_vectors, largest_rows, principal_components, unit_vectors


def cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found: np.ndarray = unit @ unit.T
    return found


def test_projected_columns_of_low_rank_keep_their_angles() -> None:
    generator = np.random.default_rng(0)
    matrix = (generator.normal(size=(1_500, 20)) @ generator.normal(size=(20, 300))).astype(np.float32)
    short = principal_components(matrix)
    assert short.shape == (300, 128)
    np.testing.assert_allclose(cosines(short), cosines(matrix.T), atol=1e-3)


def test_the_largest_rows_determine_the_angles() -> None:
    generator = np.random.default_rng(0)
    large_rows = (generator.normal(size=(1_000, 20)) @ generator.normal(size=(20, 50))).astype(np.float32)
    small = generator.normal(size=(4_000, 50)).astype(np.float32) * np.float32(0.01)
    rows = np.concatenate([small, large_rows])
    short = principal_components(rows[largest_rows(np.square(rows).sum(axis=1, dtype=np.float64))])
    np.testing.assert_allclose(cosines(short), cosines(large_rows.T), atol=0.01)


def test_a_matrix_smaller_than_the_width_keeps_its_own() -> None:
    matrix = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_allclose(cosines(principal_components(matrix)), cosines(matrix.T), atol=1e-4)


def test_the_mean_of_all_vectors_does_not_make_them_similar() -> None:
    vectors = np.array([[10, 1], [10, -1], [10, 1], [0, 0]], np.float32)
    unit = unit_vectors(vectors)
    assert unit[0] @ unit[1] < 0
    assert unit[0] @ unit[2] > 0.99
    assert not unit[3].any()


def test_fewer_than_two_informative_vectors_become_zero() -> None:
    for vectors in (np.zeros((0, 3)), np.zeros((2, 3)), np.eye(3)[:1]):
        assert not unit_vectors(vectors.astype(np.float32)).any()


def test_concatenated_vectors_have_the_mean_of_the_cosines() -> None:
    generator = np.random.default_rng(0)
    first, second = (unit_vectors(generator.normal(size=(6, 4)).astype(np.float32)) for _ in range(2))
    both = join_vectors([first, second])
    np.testing.assert_allclose(both @ both.T, (first @ first.T + second @ second.T) / 2, atol=1e-6)
