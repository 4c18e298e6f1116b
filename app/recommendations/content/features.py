"""The content of items as vectors of features: words of the title, categories, attributes.

A feature is one such thing ("category Sci-Fi", "director Ridley Scott"); the rarer, the more it weighs (tf-idf). Title,
categories and attributes are three fields of equal weight, however many features an item has in each.
Shape letters: N items, T features.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

WORDS = re.compile(r"\w+").findall
MAX_NAME_WORDS = 4  # a longer text is read as words, not as a name
NUM_BINS = 8  # of the values of a number, each with about as many items
MAX_FEATURES = 50  # of one field of an item
MAX_ITEM_SHARE = 0.5  # a feature of this share of the items, or more, does not tell them apart


class ItemContent(NamedTuple):
    """The content of an item."""

    title: str | None
    categories: Sequence[str]
    attributes: Mapping[str, Any]


class Feature(NamedTuple):
    """Something an item may have in common with another; ``value`` is that of a number, which is compared by bins."""

    field: str
    name: str
    value: float | None = None


FeatureKey = tuple[str, str]  # a feature's field and its name, or its bin's


def features_of(item: ItemContent) -> Iterator[Feature]:
    """Yield an item's features."""
    yield from (Feature("title", word) for word in words(item.title or ""))
    yield from (Feature("categories", category) for category in item.categories[:MAX_FEATURES])
    count = 0
    for name, value in item.attributes.items():
        for feature in attribute_features(name, value):
            if (count := count + 1) > MAX_FEATURES:
                return
            yield feature


def words(text: str) -> list[str]:
    """Split a text into its words, each once."""
    return list(dict.fromkeys(WORDS(text.lower())))[:MAX_FEATURES]


def attribute_features(name: str, value: Any) -> Iterator[Feature]:
    """Yield the features of one attribute: names, words of long texts, numbers; those of the elements of a list."""
    match value:
        case bool():
            yield Feature("attributes", f"{name}={value}")
        case str():
            parts = words(value)
            whole = [" ".join(parts)] if len(parts) <= MAX_NAME_WORDS else parts
            yield from (Feature("attributes", f"{name}={part}") for part in whole)
        case int() | float():
            yield Feature("attributes", name, float(value))
        case list():
            for element in value:
                yield from attribute_features(name, element)
        case dict():
            for key, element in value.items():
                yield from attribute_features(f"{name}.{key}", element)


@dataclass(frozen=True)
class Vocabulary:
    """The features that tell items apart, learned from some items.

    Attributes:
        position: of each feature in a vector (T in all).
        idf: float32 (T,), the weight of each feature.
        edges: of each attribute that is a number, the edges of its bins.
    """

    position: Mapping[FeatureKey, int]
    idf: NDArray[np.float32]
    edges: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, items: Sequence[ItemContent]) -> "Vocabulary":
        """Learn which features several items share, and how many."""
        edges = bin_edges(feature for item in items for feature in features_of(item))
        counts = Counter(key for item in items for key in {key for key, _ in weights(features_of(item), edges)})
        shared = [(key, count) for key, count in counts.items() if 1 < count < max(3, MAX_ITEM_SHARE * len(items))]
        idf = np.log((len(items) + 1) / np.array([count for _, count in shared], np.float32))
        return cls({key: position for position, (key, _) in enumerate(shared)}, idf, edges)

    def vectors(self, items: Sequence[ItemContent]) -> csr_array:
        """Return the items' vectors, of length 1, or 0 where nothing is known: float32 (N, T)."""
        offsets, positions, values = [0], list[int](), list[NDArray[np.float32]]()
        for item in items:
            found, value = self._vector(item)
            positions += found
            values.append(value)
            offsets.append(len(positions))
        data = np.concatenate([np.empty(0, np.float32), *values])
        return csr_array((data, np.array(positions, np.int32), np.array(offsets)), shape=(len(items), len(self.idf)))

    def _vector(self, item: ItemContent) -> tuple[list[int], NDArray[np.float32]]:
        fields: dict[str, dict[int, float]] = {}
        for key, weight in weights(features_of(item), self.edges):
            if (position := self.position.get(key)) is not None:
                field = fields.setdefault(key[0], {})
                field[position] = field.get(position, 0.0) + weight
        parts = [np.array(list(field.values()), np.float32) * self.idf[list(field)] for field in fields.values()]
        normalized = [part / np.linalg.norm(part) for part in parts]
        positions = [position for field in fields.values() for position in field]
        vector: NDArray[np.float32] = np.concatenate([np.empty(0, np.float32), *normalized])
        vector /= np.float32(max(1, len(fields)) ** 0.5)
        return positions, vector


def bin_edges(features: Iterable[Feature]) -> dict[str, NDArray[np.float64]]:
    """Split the values of each number into bins of equal numbers of items."""
    values: dict[str, list[float]] = {}
    for feature in features:
        if feature.value is not None:
            values.setdefault(feature.name, []).append(feature.value)
    quantiles = np.linspace(0, 1, NUM_BINS + 1)
    return {name: np.unique(np.quantile(each, quantiles)) for name, each in values.items()}


def weights(
    features: Iterable[Feature], edges: Mapping[str, NDArray[np.float64]]
) -> Iterator[tuple[FeatureKey, float]]:
    """Yield each feature with its weight, before idf; a number is shared out between the two edges of its bin."""
    for feature in features:
        if feature.value is None:
            yield (feature.field, feature.name), 1.0
        elif feature.name in edges:
            at = float(np.interp(feature.value, edges[feature.name], np.arange(len(edges[feature.name]))))
            yield (feature.field, f"{feature.name}~{int(at)}"), 1 - at % 1
            if at % 1:
                yield (feature.field, f"{feature.name}~{int(at) + 1}"), at % 1
