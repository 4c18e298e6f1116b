"""The distance of a list, and how it grows with the diversity asked for."""

import numpy as np

from benchmarks.diversity import list_distance
from models.inference.mmr import mmr

VECTORS = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)


def test_the_distance_of_a_list_is_that_of_its_pairs() -> None:
    assert list_distance(VECTORS[:2]) == 0
    assert list_distance(VECTORS[[0, 2]]) == 1
    assert list_distance(VECTORS[[0, 3]]) == 2
    assert np.isclose(list_distance(VECTORS[:3]), 2 / 3)


def test_lists_grow_more_distant_and_less_relevant_with_diversity() -> None:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(6, 16))
    distance, gain = [], []
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        lists = np.random.default_rng(1)
        distances, gains = [], []
        for _ in range(200):  # candidates of some tastes, of which the user likes one more than another
            taste = lists.integers(6, size=100)
            vectors = (centres[taste] + lists.normal(size=(100, 16))).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            relevance = lists.normal(size=6)[taste] + lists.normal(size=100)
            chosen = mmr(relevance, vectors, share, 10)
            distances.append(list_distance(vectors[chosen]))
            gains.append(relevance[chosen].mean())
        distance.append(float(np.mean(distances)))
        gain.append(float(np.mean(gains)))
    assert distance == sorted(distance)
    assert distance[-1] > distance[0] + 0.1
    assert gain == sorted(gain, reverse=True)
