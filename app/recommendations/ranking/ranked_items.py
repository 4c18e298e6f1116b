"""Items in the order they are recommended."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.recommendations.catalogue.index import Slots

SCORE_DIGITS = RATING_DIGITS = 6  # behind the point: what an explanation states can be checked by asking again


class Source(StrEnum):
    """Where an item of an answer comes from."""

    PERSONAL = "personal"  # the model's reconstruction of this user
    POPULAR = "popular"  # what everybody likes
    NEW = "new"  # not rated, or not learned yet
    SIMILAR = "similar"  # what is liked by those who like an item
    ATTRIBUTES = "attributes"  # what says alike things about itself: title, categories, attributes
    PINNED = "pinned"  # a rule puts it there


@dataclass(slots=True)
class RankedItems:
    """Items in the order they are recommended: parallel lists."""

    slots: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    predicted: list[float | None] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def add(self, slots: Slots, scores: Any, predicted: Any, source: Source) -> None:
        """Append items of one source; scores and predictions are arrays, or None where there are none."""
        count = len(slots)
        self.slots += slots.tolist()
        self.scores += [None] * count if scores is None else [round(score, SCORE_DIGITS) for score in scores.tolist()]
        self.predicted += (
            [None] * count if predicted is None else [round(stars, RATING_DIGITS) for stars in predicted.tolist()]
        )
        self.sources += [source] * count

    def take(self, other: "RankedItems", place: int, source: Source | None = None) -> None:
        """Append an item of another selection, as of another ``source`` if one is given."""
        self.slots.append(other.slots[place])
        self.scores.append(other.scores[place])
        self.predicted.append(other.predicted[place])
        self.sources.append(source or other.sources[place])
