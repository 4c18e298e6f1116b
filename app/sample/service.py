"""Put the sample into an empty database: films, and the ratings of a synthetic audience."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.catalogue.service import ItemChange, set_items
from app.kit.times import from_us, now_us
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.sample.films import Film, read_films
from app.sample.taste import draw_ratings
from app.settings import Settings
from app.tables import Item, User
from models.core.interactions import RatingScale

BATCH = 4_000  # ratings of one statement


@dataclass(frozen=True)
class StoredSample:
    """The size of the stored sample."""

    num_films: int
    num_ratings: int


def is_empty(session: Session) -> bool:
    """Return whether there is nothing yet: no item and no user."""
    return not any(session.scalar(select(exists().select_from(table))) for table in (Item, User))


def has_sample(session: Session) -> bool:
    """Return whether the sample's films are there."""
    return session.scalar(select(Item.id).where(Item.external_id == read_films()[0].item_id, Item.active)) is not None


def store_sample(session: Session, ratings: Sequence[RatingRow]) -> StoredSample | None:
    """Store films and ratings if the database is empty: all of them or, interrupted, nothing."""
    if not is_empty(session):
        return None
    films, moment_us = read_films(), now_us()
    set_items(session, [as_item(film) for film in films], from_us(moment_us))
    for start in range(0, len(ratings), BATCH):
        set_ratings(session, ratings[start : start + BATCH], moment_us)
    return StoredSample(len(films), len(ratings))


def as_item(film: Film) -> ItemChange:
    """Describe a film as an item that says where its ratings come from."""
    attributes = {"year": film.year, "ratings": "synthetic"}
    return ItemChange(film.item_id, {"title": film.title, "categories": list(film.genres), "attributes": attributes})


def sample_ratings(settings: Settings) -> list[RatingRow]:
    """Draw the synthetic audience's ratings on the declared scale; its users are `synthetic-0001` and so on."""
    films = read_films()
    threshold = settings.rating_max if settings.like_threshold is None else settings.like_threshold
    scale = RatingScale(
        minimum=settings.rating_min, maximum=settings.rating_max, step=settings.rating_step, like_threshold=threshold
    )
    drawn = draw_ratings(films, scale)
    arrays = (drawn.users.tolist(), drawn.films.tolist(), drawn.values.tolist(), drawn.rated_at_us.tolist())
    return [
        RatingRow(f"synthetic-{user + 1:04}", films[film].item_id, value, moment)
        for user, film, value, moment in zip(*arrays, strict=True)
    ]
