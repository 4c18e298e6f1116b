"""What a caller asks for, in the form that the rules of recommending take. All of it is hashable and immutable."""

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
    """Which items may be recommended: those that meet all of it."""

    categories: tuple[str, ...] = ()  # in any of these, if there are any
    all_categories: tuple[str, ...] = ()  # in each of these
    no_categories: tuple[str, ...] = ()  # in none of these
    conditions: tuple[Condition, ...] = ()


NO_FILTER = Filter()


@dataclass(frozen=True, slots=True)
class Boost:
    """Items that should come sooner, or later: those that meet the filter and, if there are ids, have one of them."""

    factor: float  # above 1: sooner; below: later
    filter: Filter = NO_FILTER
    item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """An item that stands at a position, counted from 1; None: before all others, after earlier pins."""

    item_id: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the catalogue wants, whatever anybody's taste is."""

    block: tuple[str, ...] = ()  # ids of items that are never recommended
    boosts: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller asks for. An answer of a smaller ``limit`` is the head of one of a larger."""

    limit: int = 10
    include_rated: bool = False
    filter: Filter = NO_FILTER
    rules: Rules = NO_RULES
    diversity: float = 0.0  # 0..1; 0: the plain order, 1: items as unlike each other as can be
    exploration: float = 0.0  # 0..1: share of the places that new items get
    rotation: float = 0.0  # 0..1; 0: nothing sinks, 1: what was shown lately comes last
    rotation_hours: float = 24.0  # for which what was shown is remembered
    explain_ratings: int = 0  # ratings of each sign that an explanation names; 0: none is wanted
