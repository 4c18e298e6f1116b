"""What a caller asks for, as the catalogue and the ranking apply it. All of it is hashable and immutable."""

from dataclasses import dataclass

from app.recommendations.request.attribute_values import AttributeValue


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute has one of these values."""

    attribute: str
    keys: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The attribute lies in this range, ends included; None: open on that side. The ends are of one kind."""

    attribute: str
    low: AttributeValue | None
    high: AttributeValue | None


Condition = OneOf | Between


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items may be recommended: those that meet every condition."""

    categories: tuple[str, ...] = ()  # in any of these, if there are any
    all_categories: tuple[str, ...] = ()  # in each of these
    no_categories: tuple[str, ...] = ()  # in none of these
    conditions: tuple[Condition, ...] = ()


NO_FILTER = Filter()


@dataclass(frozen=True, slots=True)
class Boost:
    """Items to recommend sooner, or later: those that meet the filter and, if there are ids, have one of them."""

    factor: float  # above 1: sooner; below: later
    filter: Filter = NO_FILTER
    item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """An item to show at a position, counted from 1; None: before all others, after earlier pins."""

    item_id: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the catalogue wants, whatever a user's taste."""

    block: tuple[str, ...] = ()  # ids of items that are never recommended
    boosts: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller asks for. A list of a smaller ``limit`` is the head of one of a larger ``limit``."""

    limit: int = 10
    include_rated: bool = False
    filter: Filter = NO_FILTER
    rules: Rules = NO_RULES
    diversity: float = 0.0  # 0..1; 0: the plain order, 1: items as different from each other as possible
    exploration: float = 0.0  # 0..1: share of the places that new items get
    rotation: float = 0.0  # 0..1; 0: nothing is demoted, 1: recently shown items come last
    rotation_hours: float = 24.0  # for which impressions are remembered
    explain_ratings: int = 0  # ratings of each sign that an explanation names; 0: no explanation


PLAIN_OPTIONS = Options()  # what is asked for most, by far: the same object each time
