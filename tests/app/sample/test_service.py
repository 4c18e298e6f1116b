"""The sample: real films with synthetic ratings, labelled so, on any scale."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.sample.films import Film, read_films
from app.sample.service import has_sample, sample_ratings, store_sample
from app.sample.taste import TasteConfig, draw_ratings
from app.settings import Settings
from app.tables import Item, Rating, User
from models.core.interactions import RatingScale

RunOnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]


def scale(low: float = 1, high: float = 5, step: float = 0.5) -> RatingScale:
    return RatingScale(minimum=low, maximum=high, step=step, like_threshold=high)


def test_every_film_has_an_id_of_its_own_that_a_path_can_hold() -> None:
    films = read_films()
    assert len(films) >= 300
    assert len({film.item_id for film in films}) == len(films)
    assert all(film.item_id.replace("-", "").isalnum() and film.item_id.isascii() for film in films)
    assert Film("Amélie", 2001, ("Comedy",)).item_id == "amelie-2001"


def test_every_film_has_a_year_of_the_cinema_and_genres_without_repetition() -> None:
    for film in read_films():
        assert 1890 < film.year < 2026
        assert film.genres
        assert len(set(film.genres)) == len(film.genres)


@pytest.mark.parametrize(("low", "high", "step"), [(1, 5, 0.5), (0, 10, 1), (-1, 1, 1), (0, 1, 0.1), (1, 100, 1)])
def test_ratings_lie_on_any_declared_scale(low: float, high: float, step: float) -> None:
    values = draw_ratings(read_films(), scale(low, high, step)).values
    assert low <= values.min() < values.max() <= high
    steps = (values - low) / step
    assert np.allclose(steps, np.round(steps))


def test_the_same_seed_draws_the_same_ratings_and_another_seed_others() -> None:
    first, again = (draw_ratings(read_films(), scale()) for _ in range(2))
    other = draw_ratings(read_films(), scale(), TasteConfig(seed=8))
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.rated_at_us, again.rated_at_us)
    assert not np.array_equal(first.films[:100], other.films[:100])


def test_no_user_rates_a_film_twice_and_all_users_rate_a_few() -> None:
    drawn = draw_ratings(read_films(), scale())
    assert len(set(zip(drawn.users.tolist(), drawn.films.tolist(), strict=True))) == len(drawn.users)
    assert np.bincount(drawn.users).min() >= TasteConfig().min_ratings


def test_films_that_share_genres_please_the_same_people() -> None:
    films = read_films()
    drawn = draw_ratings(films, scale())
    centred = np.zeros((TasteConfig().num_users, len(films)))
    centred[drawn.users, drawn.films] = drawn.values - drawn.values.mean()
    rated = (centred != 0).astype(float)
    agreement = (centred.T @ centred) / np.maximum(rated.T @ rated, 1)
    alike = [[a != b and set(a.genres) == set(b.genres) for b in films] for a in films]
    strange = [[not set(a.genres) & set(b.genres) for b in films] for a in films]
    assert agreement[np.array(alike)].mean() > agreement[np.array(strange)].mean() + 0.1


def counts(session: Session) -> tuple[int, ...]:
    return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in (Item, User, Rating))


def test_the_sample_fills_an_empty_database_once(settings: Settings, run_on_database: RunOnDatabase) -> None:
    async def twice(database: Database) -> None:
        ratings = sample_ratings(settings)
        assert not await database.read(has_sample)
        assert await database.write(store_sample, ratings) is not None
        stored = await database.read(counts)
        assert stored == (len(read_films()), TasteConfig().num_users, len(ratings))
        assert await database.read(has_sample)
        assert await database.write(store_sample, ratings) is None
        assert await database.read(counts) == stored

    run_on_database(twice)


def test_every_item_and_user_of_the_sample_says_that_it_is_synthetic(
    settings: Settings, run_on_database: RunOnDatabase
) -> None:
    def labels(session: Session) -> tuple[set[str], set[str]]:
        items = session.scalars(select(Item.attributes)).all()
        users = session.scalars(select(User.external_id)).all()
        return {item["ratings"] for item in items}, {user.split("-")[0] for user in users}

    async def stored(database: Database) -> tuple[set[str], set[str]]:
        await database.write(store_sample, sample_ratings(settings))
        return await database.read(labels)

    assert run_on_database(stored) == ({"synthetic"}, {"synthetic"})


def test_the_sample_stays_out_of_a_database_that_holds_something(
    settings: Settings, run_on_database: RunOnDatabase
) -> None:
    async def refused(database: Database) -> object:
        await database.write(store_sample, sample_ratings(settings)[:1])
        return await database.write(store_sample, sample_ratings(settings))

    assert run_on_database(refused) is None
