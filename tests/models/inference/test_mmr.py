"""Maximal marginal relevance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.inference.mmr import mmr

RELEVANCE = np.array([3.0, 2.9, 1.0, 0.0])
ALIKE = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)


def test_the_second_of_two_similar_items_ranks_behind_another() -> None:
    assert mmr(RELEVANCE, ALIKE, 0.0, 4).tolist() == [0, 1, 2, 3]
    assert mmr(RELEVANCE, ALIKE, 0.1, 4).tolist() == [0, 1, 2, 3]
    assert mmr(RELEVANCE, ALIKE, 0.5, 2).tolist() == [0, 3]
    assert mmr(RELEVANCE[:3], ALIKE[:3], 0.5, 3).tolist() == [0, 1, 2]
    assert mmr(RELEVANCE[:3], ALIKE[:3], 0.7, 3).tolist() == [0, 2, 1]
    assert mmr(RELEVANCE, ALIKE, 1.0, 4).tolist() == [0, 3, 2, 1]


vectors = arrays(np.float32, (8, 3), elements=st.floats(-1, 1, width=16)).map(
    lambda each: each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), np.float32(1e-3))
)
relevance = arrays(np.float64, 8, elements=st.floats(-10, 10))


@given(relevance=relevance, vectors=vectors, diversity=st.floats(0, 1), k=st.integers(0, 9))
def test_every_list_is_the_head_of_a_longer_one(
    relevance: np.ndarray, vectors: np.ndarray, diversity: float, k: int
) -> None:
    longest = mmr(relevance, vectors, diversity, 8).tolist()
    assert sorted(longest) == list(range(8))
    assert mmr(relevance, vectors, diversity, k).tolist() == longest[:k]
    assert longest[0] == int(relevance.argmax())


@given(relevance=relevance, vectors=vectors)
def test_without_diversity_it_is_the_order_of_relevance(relevance: np.ndarray, vectors: np.ndarray) -> None:
    assert mmr(relevance, vectors, 0.0, 8).tolist() == np.argsort(-relevance, kind="stable").tolist()
