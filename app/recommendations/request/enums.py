"""The words of an answer: where an item comes from, and why a list is not personal."""

from enum import StrEnum


class Source(StrEnum):
    """Where an item of an answer comes from."""

    PERSONAL = "personal"  # the model's reconstruction of this user
    POPULAR = "popular"  # what everybody likes
    NEW = "new"  # not rated, or not learned yet
    SIMILAR = "similar"  # what is liked by those who like an item
    ATTRIBUTES = "attributes"  # what says alike things about itself: title, categories, attributes
    PINNED = "pinned"  # a rule puts it there


class Reason(StrEnum):
    """Why an answer is not personal."""

    UNKNOWN_USER = "unknown_user"
    NO_RATINGS = "no_ratings"
    NO_MODEL = "no_model"
    NO_KNOWN_ITEMS = "no_known_items"
    ALL_RATED = "all_rated"
    NO_ITEMS = "no_items"


CAUSES = {  # what lists and predictions have in common
    Reason.UNKNOWN_USER: "No user of this id has rated anything",
    Reason.NO_RATINGS: "There are no ratings to go by",
    Reason.NO_MODEL: "No model has been loaded yet",
    Reason.NO_KNOWN_ITEMS: "The model has not learned any of the rated items yet",
}
