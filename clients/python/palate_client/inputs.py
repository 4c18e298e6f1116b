# Generated from the OpenAPI document by `python -m scripts.client`; do not edit.
"""What calls take: plain dictionaries with declared keys. A time is a `datetime` with a zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Required, TypeAlias

from typing_extensions import TypedDict


class Activate(TypedDict, total=False):
    """A request to activate a version."""

    force: bool
    """Activate a version that the gate refused. It is recorded as forced."""

    reason: str | None
    """The reason; stored with the activation."""


Arm: TypeAlias = Literal["control", "treatment"]
"""The version that a participating user gets."""


class Asked(TypedDict, total=False):
    """What every request for recommendations takes."""

    block: Sequence[str | int]
    """Items never to recommend."""

    boost: Sequence[BoostIn]
    """Items to recommend sooner, or later."""

    pin: Sequence[PinIn]
    """Items to show first, in this order, or at a position."""

    category: Sequence[str]
    """Only items in any of these."""

    category_all: Sequence[str]
    """Only items in each of these."""

    exclude_category: Sequence[str]
    """No items in any of these."""

    attribute: Sequence[ConditionIn]
    """Only items whose attributes meet all of these."""

    limit: int
    """Number of items."""

    include_rated: bool
    """Recommend rated items too."""

    diversity: float
    """How different from each other the items are to be; 0: the plain order."""

    exploration: float
    """Share of the places that new items get; their source is `new`."""

    rotation: float
    """How far recently shown items are demoted; 0: not at all, 1: behind all others."""

    rotation_hours: float
    """For how long an impression counts, less and less."""

    explain: bool
    """Name the ratings that each item is due to; `limit` is 100 at most then."""

    explain_ratings: int
    """Number of ratings named for each item that raised it, and that lowered it."""


class BatchRequest(Asked, total=False):
    """Users, and what is asked for each of them."""

    users: Required[Sequence[str | int]]


class BoostIn(TypedDict, total=False):
    """Items to recommend sooner, or later: those that meet the filter and, if `item_id` is given, are in it."""

    category: Sequence[str]
    """Only items in any of these."""

    category_all: Sequence[str]
    """Only items in each of these."""

    exclude_category: Sequence[str]
    """No items in any of these."""

    attribute: Sequence[ConditionIn]
    """Only items whose attributes meet all of these."""

    factor: Required[float]
    """Above 1: sooner; below 1: later."""

    item_id: Sequence[str | int]
    """Only these items."""


ConditionIn = TypedDict(
    "ConditionIn",
    {
        "name": Required[str],
        "eq": str | float | bool,
        "in": Sequence[str | float | bool],
        "gte": str | float,
        "lte": str | float,
    },
    total=False,
)
"""What an attribute must be: equal to `eq`, one of `in`, or from `gte` to `lte`, ends included.

Of an attribute that is a list, one element is enough. Times of RFC 3339 compare as moments, other text by code
point. A value compares only with its own kind: 1990 is not "1990"."""


class EventIn(TypedDict, total=False):
    """Feedback on an answer, or on one of its items."""

    recommendation_id: Required[str]
    """From the answer."""

    item_id: str | int | None
    """An item of the answer. May be left out of an `impression`: of every item of the answer."""

    type: Required[Literal["impression", "click", "rating", "purchase"]]
    at: datetime | None
    """When it happened, RFC 3339; now if left out."""

    value: float | None
    """The rating of a `rating`; the amount of a `purchase`."""


class GuestRating(TypedDict, total=False):
    """A guest's rating. Of two ratings of one item the later counts; of equal times, the last in the list."""

    item_id: Required[str | int]
    value: Required[float]
    """On the declared scale."""

    rated_at: datetime | None
    """When the user rated, RFC 3339; now if left out. The latest wins."""


class GuestRequest(Asked, total=False):
    """Ratings of a guest, who is not stored, and what is asked for."""

    ratings: Required[Sequence[GuestRating]]
    cursor: str | None
    """`next_cursor` of the page before; everything but `limit` must be as it was there."""


class ItemFields(TypedDict, total=False):
    """All that the caller says about an item; what is left out takes its default."""

    available_from: datetime | None
    """RFC 3339; before then the item is not recommended. Null: it always was."""

    available_until: datetime | None
    """RFC 3339; from then on the item is not recommended. Null: it always will be."""

    title: str | None
    categories: Sequence[str]
    active: bool
    """Items that are not active are never recommended."""

    attributes: Mapping[str, Any]
    """Any JSON object, up to 16 KiB."""


class ItemIn(TypedDict, total=False):
    """An item of a bulk request."""

    available_from: datetime | None
    """RFC 3339; before then the item is not recommended. Null: it always was."""

    available_until: datetime | None
    """RFC 3339; from then on the item is not recommended. Null: it always will be."""

    title: str | None
    categories: Sequence[str]
    active: bool
    """Items that are not active are never recommended."""

    attributes: Mapping[str, Any]
    """Any JSON object, up to 16 KiB."""

    item_id: Required[str | int]


class ItemPatch(TypedDict, total=False):
    """The fields to change; what is left out stays. `"title": null` clears the title."""

    available_from: datetime | None
    """RFC 3339; before then the item is not recommended. Null: it always was."""

    available_until: datetime | None
    """RFC 3339; from then on the item is not recommended. Null: it always will be."""

    title: str | None
    categories: Sequence[str]
    active: bool
    """Items that are not active are never recommended."""

    attributes: Mapping[str, Any]
    """Any JSON object, up to 16 KiB."""


class MergeRequest(TypedDict, total=False):
    """Whose ratings become the user's: those of a stored user, or those in the request."""

    from_user_id: str | int | None
    """A stored user: their ratings are moved."""

    ratings: Sequence[RatingOfItem] | None
    """The guest's ratings; an invalid row is refused, the others are stored."""


class NewExperiment(TypedDict, total=False):
    """Two versions to be served side by side."""

    name: Required[str]
    """What it is about."""

    control: Required[str]
    """The version to compare with, most often the live one."""

    treatment: Required[str]
    """The version to try; the gate may have refused it."""

    share: float
    """Share of the users who take part."""

    treatment_share: float
    """Share of these who get the treatment."""

    salt: str | None
    """Divides the users; random if left out. The salt and shares of an earlier experiment divide them as they were there."""

    reason: str | None
    """The reason; stored with the experiment."""


class PinIn(TypedDict, total=False):
    """An item to show at a position, unless a filter or a block excludes it."""

    item_id: Required[str | int]
    position: int | None
    """Counted from 1. Left out: before all others."""


class PredictionRequest(TypedDict, total=False):
    """Ratings of a guest, who is not stored, and the items to predict."""

    ratings: Required[Sequence[GuestRating]]
    item_ids: Required[Sequence[str | int]]


class QuestionRequest(Asked, total=False):
    """Ratings of a guest, perhaps none, and which items the questions may be about."""

    ratings: Required[Sequence[GuestRating]]


class RatingIn(TypedDict, total=False):
    """A rating to store."""

    user_id: Required[str | int]
    item_id: Required[str | int]
    value: Required[float]
    """On the declared scale."""

    rated_at: datetime | None
    """When the user rated, RFC 3339; now if left out. The latest wins."""


class RatingOfItem(TypedDict, total=False):
    """A rating of a user whom the request names elsewhere."""

    item_id: Required[str | int]
    value: Required[float]
    """On the declared scale."""

    rated_at: datetime | None
    """When the user rated, RFC 3339; now if left out. The latest wins."""


class RatingValue(TypedDict, total=False):
    """The value of a rating whose user and item the path names."""

    value: Required[float]
    """On the declared scale."""

    rated_at: datetime | None
    """When the user rated, RFC 3339; now if left out. The latest wins."""


class ReplayRequest(TypedDict, total=False):
    """An answer to make again."""

    recommendation_id: Required[str]
    """As the answer gave it."""

    user_id: str | int | None
    """Whose the answer is: the replay is refused if it is another's."""

    ratings: Sequence[GuestRating] | None
    """A guest's: the same that they posted then. They are not stored."""

    explain: bool | None
    """Say which ratings each item was due to; left out: as the answer did."""


class RulesSet(TypedDict, total=False):
    """Rules for every answer; what is left out is empty."""

    block: Sequence[str | int]
    """Items never to recommend."""

    boost: Sequence[BoostIn]
    """Items to recommend sooner, or later."""

    pin: Sequence[PinIn]
    """Items to show first, in this order, or at a position."""


class RunRequest(TypedDict, total=False):
    """What this run does differently from the settings; what is left out is as in the settings."""

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
    """Autoencoder to fit, or `auto`; null: that of the settings."""

    epochs: int | None
    """Epochs at most; `linear` needs one."""

    learning_rate: float | None
    """Step size of the optimiser."""

    batch_size: int | None
    """Users per step; 1 is online learning."""

    seed: int | None
    """Seed of every random choice."""

    cold: bool
    """Start from new weights instead of the live model's."""


class StopExperiment(TypedDict, total=False):
    """A request to stop an experiment."""

    activate: Arm | None
    """Make this arm's version live; null: the live one stays."""

    force: bool
    """Activate it even if the gate refused it."""

    reason: str | None
    """The reason; stored with the experiment."""


class WhatIfRequest(Asked, total=False):
    """Ratings that a user might give or remove, and what is asked for."""

    set: Sequence[GuestRating]
    """Ratings to add or to change."""

    remove: Sequence[str | int]
    """Items whose rating to remove."""
