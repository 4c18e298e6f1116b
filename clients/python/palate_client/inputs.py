"""What calls take: written by `python -m scripts.client` from the OpenAPI document, not by hand.

Plain dictionaries with declared keys. A time is a `datetime` with a zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Required

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11


class Asked(TypedDict, total=False):
    """What every request for recommendations takes."""

    # Items never to recommend.
    block: Sequence[str]
    # Items to recommend sooner, or later.
    boost: Sequence[BoostIn]
    # Items to show first, in this order, or at a position.
    pin: Sequence[PinIn]
    # Only items in any of these.
    category: Sequence[str]
    # Only items in each of these.
    category_all: Sequence[str]
    # No items in any of these.
    exclude_category: Sequence[str]
    # Only items whose attributes meet all of these.
    attribute: Sequence[ConditionIn]
    # Number of items.
    limit: int
    # Recommend rated items too.
    include_rated: bool
    # How unlike each other the items are to be; 0: the plain order.
    diversity: float
    # Share of the places for new items, which are `new` as their source.
    exploration: float
    # How far what the user was shown lately sinks; 0: not at all, 1: behind all else.
    rotation: float
    # For how long what was shown sinks, less and less.
    rotation_hours: float
    # Say for each item which ratings it is due to; `limit` is 100 at most then.
    explain: bool
    # Number of ratings named for each item that raised it, and that lowered it.
    explain_ratings: int


class Activate(TypedDict, total=False):
    """How a version is to go live."""

    # Activate a version that the gate refused. It is recorded as forced.
    force: bool
    # Why; kept with the activation.
    reason: str | None


Arm = Literal["control", "treatment"]
"""What a user who takes part is given."""


class BatchRequest(Asked, total=False):
    """Users, and what is asked for each of them."""

    users: Required[Sequence[str]]


class BoostIn(TypedDict, total=False):
    """Items to recommend sooner, or later: those that meet the filter and, if any are named, are among `item_id`."""

    # Only items in any of these.
    category: Sequence[str]
    # Only items in each of these.
    category_all: Sequence[str]
    # No items in any of these.
    exclude_category: Sequence[str]
    # Only items whose attributes meet all of these.
    attribute: Sequence[ConditionIn]
    # Above 1: sooner; below 1: later.
    factor: Required[float]
    # Only these items.
    item_id: Sequence[str]


ConditionIn = TypedDict(
    "ConditionIn",
    {
        "name": "Required[str]",
        "eq": "str | float | bool",
        "in": "Sequence[str | float | bool] | None",
        "gte": "str | float | bool",
        "lte": "str | float | bool",
    },
    total=False,
)
"""What an attribute must be: equal to `eq`, one of `in`, or from `gte` to `lte`, ends included.

Of an attribute that is a list, one element is enough. Times of RFC 3339 compare as moments, other text by code
point, and only with its kind: 1990 is not "1990"."""


class EventIn(TypedDict, total=False):
    """What became of an answer, or of one of its items."""

    # As the answer gave it.
    recommendation_id: Required[str]
    # An item of the answer. May be left out of `shown`: every item of the answer was.
    item_id: str | None
    type: Required[Literal["shown", "clicked", "rated", "bought"]]
    # When it happened, RFC 3339; now if left out.
    at: datetime | None
    # Of `rated`, the rating; of `bought`, what it was worth.
    value: float | None


class GuestRating(TypedDict, total=False):
    """What a guest thinks of an item. Of two of one item the later counts; at one time, the last in the list."""

    item_id: Required[str]
    # On the declared scale.
    value: Required[float]
    # When the user rated, RFC 3339; now if left out. The latest wins.
    rated_at: datetime | None


class GuestRequest(Asked, total=False):
    """Ratings of somebody who is not stored, and what he asks for."""

    ratings: Required[Sequence[GuestRating]]
    # `next_cursor` of the page before; all else but `limit` as it was there.
    cursor: str | None


class ItemFields(TypedDict, total=False):
    """All that the caller says about an item; what is left out takes its default."""

    # RFC 3339; before then the item is not recommended. Null: it always was.
    available_from: datetime | None
    # RFC 3339; from then on the item is not recommended. Null: it always will be.
    available_until: datetime | None
    title: str | None
    categories: Sequence[str]
    # Items that are not active are never recommended.
    active: bool
    # Any JSON object, up to 16 KiB.
    attributes: Mapping[str, Any]


class ItemIn(TypedDict, total=False):
    """An item of a bulk request."""

    # RFC 3339; before then the item is not recommended. Null: it always was.
    available_from: datetime | None
    # RFC 3339; from then on the item is not recommended. Null: it always will be.
    available_until: datetime | None
    title: str | None
    categories: Sequence[str]
    # Items that are not active are never recommended.
    active: bool
    # Any JSON object, up to 16 KiB.
    attributes: Mapping[str, Any]
    item_id: Required[str]


class ItemPatch(TypedDict, total=False):
    """The fields to change; what is left out stays. `"title": null` clears the title."""

    # RFC 3339; before then the item is not recommended. Null: it always was.
    available_from: datetime | None
    # RFC 3339; from then on the item is not recommended. Null: it always will be.
    available_until: datetime | None
    title: str | None
    categories: Sequence[str]
    # Items that are not active are never recommended.
    active: bool
    # Any JSON object, up to 16 KiB.
    attributes: Mapping[str, Any]


class MergeRequest(TypedDict, total=False):
    """Whose ratings become the user's: those of a stored user, or those in the request."""

    # A stored user: his ratings are moved.
    from_user_id: str | None
    # The guest's ratings; a bad row is refused, the others are stored.
    ratings: Sequence[RatingOfItem]


class NewExperiment(TypedDict, total=False):
    """Two versions to be served side by side."""

    # What it is about.
    name: Required[str]
    # The version compared with, most often the live one.
    control: Required[str]
    # The version tried; the gate may have refused it.
    treatment: Required[str]
    # Share of the users who take part.
    share: float
    # Share of these who get the treatment.
    treatment_share: float
    # Divides the users; drawn if left out. The salt and shares of an earlier experiment divide them as they were
    # there.
    salt: str | None
    # Why; kept with the experiment.
    reason: str | None


class PinIn(TypedDict, total=False):
    """An item to show at a position, as far as filters and blocks let it."""

    item_id: Required[str]
    # Counted from 1. Left out: before all others.
    position: int | None


class PredictionRequest(TypedDict, total=False):
    """Ratings of somebody who is not stored, and the items to predict."""

    ratings: Required[Sequence[GuestRating]]
    item_ids: Required[Sequence[str]]


class QuestionRequest(Asked, total=False):
    """Ratings of somebody who is not stored, perhaps none, and what he may be asked about."""

    ratings: Required[Sequence[GuestRating]]


class RatingIn(TypedDict, total=False):
    """A rating to store."""

    user_id: Required[str]
    item_id: Required[str]
    # On the declared scale.
    value: Required[float]
    # When the user rated, RFC 3339; now if left out. The latest wins.
    rated_at: datetime | None


class RatingOfItem(TypedDict, total=False):
    """A rating of somebody whom the request names elsewhere."""

    item_id: Required[str]
    # On the declared scale.
    value: Required[float]
    # When the user rated, RFC 3339; now if left out. The latest wins.
    rated_at: datetime | None


class RatingValue(TypedDict, total=False):
    """The value of a rating whose user and item the path names."""

    # On the declared scale.
    value: Required[float]
    # When the user rated, RFC 3339; now if left out. The latest wins.
    rated_at: datetime | None


class ReplayRequest(TypedDict, total=False):
    """An answer to make again."""

    # As the answer gave it.
    recommendation_id: Required[str]
    # Whose the answer is: the replay is refused if it is another's.
    user_id: str | None
    # A guest's: the same that he posted then. They are not stored.
    ratings: Sequence[GuestRating] | None
    # Say which ratings each item was due to; left out: as the answer did.
    explain: bool | None


class RulesSet(TypedDict, total=False):
    """Rules for everybody; what is left out is empty."""

    # Items never to recommend.
    block: Sequence[str]
    # Items to recommend sooner, or later.
    boost: Sequence[BoostIn]
    # Items to show first, in this order, or at a position.
    pin: Sequence[PinIn]


class RunRequest(TypedDict, total=False):
    """What this run does differently from the settings; what is left out is as in the settings."""

    # Autoencoder to fit, or `auto`; null: that of the settings.
    kind: (
        Literal[
            "auto",
            "linear",
            "lowrank",
            "basic",
            "sparse",
            "contractive",
            "stacked",
            "deep",
            "variational",
            "denoising",
            "hybrid",
        ]
        | None
    )
    # Epochs at most; `linear` needs one.
    epochs: int | None
    # Step size of the optimiser.
    learning_rate: float | None
    # Users per step; 1 is online learning.
    batch_size: int | None
    # Seed of every random choice.
    seed: int | None
    # Start from new weights instead of the live model's.
    cold: bool


class StopExperiment(TypedDict, total=False):
    """How an experiment is to end."""

    # Make this arm's version live; null: the live one stays.
    activate: Arm | None
    # Even if the gate refused that version.
    force: bool
    # Why; kept with the experiment.
    reason: str | None


class WhatIfRequest(Asked, total=False):
    """Ratings that a user might give or take back, and what is asked for."""

    # Ratings to give or to change.
    set: Sequence[GuestRating]
    # Items whose rating to take back.
    remove: Sequence[str]
