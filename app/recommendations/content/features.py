"""What items say about themselves, as vectors: words of the title, categories, attributes.

A trait is one such thing ("category Sci-Fi", "director Ridley Scott"); the rarer, the more it weighs (tf-idf). Title,
categories and attributes are three sides that count alike, however many traits an item has on each.
Shape letters: N items, T traits.
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
MAX_NAME_WORDS = 4  # a text of more is read as words, not as a name
NUM_RANGES = 8  # that the values of a number are cut into, alike in the number of items
MAX_TRAITS = 50  # of one side of an item
MAX_ITEM_SHARE = 0.5  # a trait of such a share of the items, or a larger one, tells nothing


class ItemContent(NamedTuple):
    """What is said about an item."""

    title: str | None
    categories: Sequence[str]
    attributes: Mapping[str, Any]


class Feature(NamedTuple):
    """Something an item may have in common with another; a number has a ``value`` that is not exact."""

    side: str
    name: str
    value: float | None = None


def traits_of(item: ItemContent) -> Iterator[Feature]:
    """Name an item's traits."""
    yield from (Feature("title", word) for word in words(item.title or ""))
    yield from (Feature("categories", category) for category in item.categories[:MAX_TRAITS])
    count = 0
    for name, value in item.attributes.items():
        for trait in attribute_traits(name, value):
            if (count := count + 1) > MAX_TRAITS:
                return
            yield trait


def words(text: str) -> list[str]:
    """Split a text into its words, each once."""
    return list(dict.fromkeys(WORDS(text.lower())))[:MAX_TRAITS]


def attribute_traits(name: str, value: Any) -> Iterator[Feature]:
    """Name the traits of one attribute: names, words of long texts, numbers; those of the elements of a list."""
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
                yield from attribute_traits(name, element)
        case dict():
            for key, element in value.items():
                yield from attribute_traits(f"{name}.{key}", element)


@dataclass(frozen=True)
class Vocabulary:
    """The traits that tell items apart, learned from some items.

    Attributes:
        place: of each trait, its number (T in all).
        weight: float32 (T,), how much it tells.
        ends: of each attribute that is a number, where its ranges meet.
    """

    place: Mapping[tuple[str, str], int]
    weight: NDArray[np.float32]
    ends: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, items: Sequence[ItemContent]) -> "Vocabulary":
        """Learn which traits are shared by several items, and by how many."""
        ends = ranges(trait for item in items for trait in traits_of(item))
        counts = Counter(key for item in items for key in {key for key, _ in weighed(traits_of(item), ends)})
        shared = [(key, count) for key, count in counts.items() if 1 < count < max(3, MAX_ITEM_SHARE * len(items))]
        weight = np.log((len(items) + 1) / np.array([count for _, count in shared], np.float32))
        return cls({key: place for place, (key, _) in enumerate(shared)}, weight, ends)

    def vectors(self, items: Sequence[ItemContent]) -> csr_array:
        """Describe items by vectors of length 1, or 0 where nothing is known: float32 (N, T)."""
        offsets, places, amounts = [0], list[int](), list[NDArray[np.float32]]()
        for item in items:
            found, lengths = self._vector(item)
            places += found
            amounts.append(lengths)
            offsets.append(len(places))
        data = np.concatenate([np.empty(0, np.float32), *amounts])
        return csr_array((data, np.array(places, np.int32), np.array(offsets)), shape=(len(items), len(self.weight)))

    def _vector(self, item: ItemContent) -> tuple[list[int], NDArray[np.float32]]:
        sides: dict[str, dict[int, float]] = {}
        for key, amount in weighed(traits_of(item), self.ends):
            if (place := self.place.get(key)) is not None:
                side = sides.setdefault(key[0], {})
                side[place] = side.get(place, 0.0) + amount
        parts = [np.array(list(side.values()), np.float32) * self.weight[list(side)] for side in sides.values()]
        lengths = [part / np.linalg.norm(part) for part in parts]
        places = [place for side in sides.values() for place in side]
        whole: NDArray[np.float32] = np.concatenate([np.empty(0, np.float32), *lengths])
        whole /= np.float32(max(1, len(sides)) ** 0.5)
        return places, whole


def ranges(traits: Iterable[Feature]) -> dict[str, NDArray[np.float64]]:
    """Cut the values of each number into ranges that hold as many items each."""
    values: dict[str, list[float]] = {}
    for trait in traits:
        if trait.value is not None:
            values.setdefault(trait.name, []).append(trait.value)
    shares = np.linspace(0, 1, NUM_RANGES + 1)
    return {name: np.unique(np.quantile(each, shares)) for name, each in values.items()}


def weighed(
    traits: Iterable[Feature], ends: Mapping[str, NDArray[np.float64]]
) -> Iterator[tuple[tuple[str, str], float]]:
    """Return each trait with its amount; a number is shared out between the two ends of its range."""
    for trait in traits:
        if trait.value is None:
            yield (trait.side, trait.name), 1.0
        elif trait.name in ends:
            at = float(np.interp(trait.value, ends[trait.name], np.arange(len(ends[trait.name]))))
            yield (trait.side, f"{trait.name}~{int(at)}"), 1 - at % 1
            if at % 1:
                yield (trait.side, f"{trait.name}~{int(at) + 1}"), at % 1
