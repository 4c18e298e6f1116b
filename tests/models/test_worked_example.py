"""The example of docs/explanation/worked-example.md: four films, two hidden neurons, synapses of +1 or -1, tied."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

SYNAPSES = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])  # one row a film, one column a hidden neuron


def encode(liked: Integers) -> Integers:
    hidden: Integers = liked @ SYNAPSES
    return hidden


def decode(hidden: Integers) -> Integers:
    outputs: Integers = hidden @ SYNAPSES.T
    return outputs


def threshold(outputs: Integers) -> Integers:
    return (outputs >= 1).astype(np.int64)


def test_a_user_who_liked_film_one_only_is_reconstructed() -> None:
    liked = np.array([1, 0, 0, 0])
    hidden = encode(liked)
    assert hidden.tolist() == [1, 1]
    assert decode(hidden).tolist() == [2, 0, 0, -2]
    assert threshold(decode(hidden)).tolist() == liked.tolist()


def test_every_film_alone_is_reconstructed() -> None:
    for film in np.eye(4, dtype=int):
        assert threshold(decode(encode(film))).tolist() == film.tolist()
