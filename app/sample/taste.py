"""The taste model behind the sample's ratings, which are random and labelled synthetic everywhere.

    taste of a user for a film  =  <u, f> + quality of the film + mood of the user + noise

Films: f has a dimension for every genre and decade, the more weight the rarer the genre is, and length 1, so films
that share genres and age are liked by the same people. Users: u is random. A user sees a film the more likely, the more
popular it is (a power law, helped by quality) and the more it fits: people choose what they like. Tastes are put on the
scale by their distance from the average, so any declared scale will do, and rounded to its step.

Shape letters: U users, F films, D dimensions, E ratings.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from app.sample.films import Film
from models.core.interactions import RatingScale

Floats = NDArray[np.float64]
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class TasteConfig:
    """How the synthetic audience is drawn. Spreads are in units of the taste's own spread."""

    num_users: int = 600
    mean_ratings: int = 40  # of a user
    min_ratings: int = 8
    decade: float = 0.5  # weight of a film's decade beside its genres
    quality: float = 0.5  # spread over films
    mood: float = 0.4  # spread over users
    noise: float = 0.4  # spread over ratings
    choice: float = 1.1  # how much people choose what they like
    popularity_power: float = 0.7
    days: int = 700  # from FIRST_DAY on
    seed: int = 7


@dataclass(frozen=True)
class SyntheticRatings:
    """Ratings as parallel arrays of E entries: user and film as indices, value on the scale, date in microseconds."""

    users: NDArray[np.int64]
    films: NDArray[np.int64]
    values: Floats
    rated_at_us: NDArray[np.int64]


def draw_ratings(films: list[Film], scale: RatingScale, config: TasteConfig | None = None) -> SyntheticRatings:
    """Draw the ratings of a synthetic audience; the same config gives the same ratings."""
    config = config or TasteConfig()
    rng = np.random.default_rng(config.seed)
    quality_F = rng.normal(0, config.quality, len(films))
    film_FD = film_vectors(films, config)
    fit_UF = rng.normal(0, 1, (config.num_users, film_FD.shape[1])) @ film_FD.T
    fit_UF /= fit_UF.std()
    seen_UF = choose_films(fit_UF, quality_F, config, rng)
    users, columns = np.nonzero(seen_UF)
    mood_U = rng.normal(0, config.mood, config.num_users)
    taste_E = fit_UF[users, columns] + quality_F[columns] + mood_U[users] + rng.normal(0, config.noise, len(users))
    return SyntheticRatings(users, columns, on_scale(taste_E, scale), draw_dates(users, config, rng))


def film_vectors(films: list[Film], config: TasteConfig) -> Floats:
    """Place films by genres and decade: float (F, D)."""
    genres = sorted({genre for film in films for genre in film.genres})
    decades = sorted({film.year // 10 for film in films})
    has_FG = np.array([[genre in film.genres for genre in genres] for film in films], dtype=float)
    of_FT = np.array([[film.year // 10 == decade for decade in decades] for film in films], dtype=float)
    weighted_FG = has_FG * np.log(len(films) / has_FG.sum(axis=0))
    weighted_FG /= np.linalg.norm(weighted_FG, axis=1, keepdims=True)
    return np.hstack([weighted_FG, config.decade * of_FT])


def choose_films(fit_UF: Floats, quality_F: Floats, config: TasteConfig, rng: Generator) -> NDArray[np.bool_]:
    """Draw what every user has seen: bool (U, F). Gumbel noise and top-n draw n films without repetition."""
    num_users, num_films = fit_UF.shape
    rank_F = rng.permutation(num_films) * np.exp(-quality_F)
    popularity_F = -config.popularity_power * np.log(rank_F + 5)
    score_UF = popularity_F + config.choice * fit_UF + rng.gumbel(size=fit_UF.shape)
    max_ratings = num_films // 2
    counts_U = np.clip(
        rng.lognormal(np.log(config.mean_ratings) - 0.18, 0.6, num_users), config.min_ratings, max_ratings
    )
    place_UF = np.argsort(np.argsort(-score_UF, axis=1), axis=1)
    return np.asarray(place_UF < counts_U.astype(int)[:, None])


def on_scale(taste_E: Floats, scale: RatingScale) -> Floats:
    """Put tastes on the declared scale: the average a little above its middle, rounded to its step."""
    share_E = np.clip(0.62 + 0.2 * (taste_E - taste_E.mean()) / taste_E.std(), 0, 1)
    num_steps = round((scale.maximum - scale.minimum) / scale.step)
    return np.asarray(np.round(scale.minimum + np.round(share_E * num_steps) * scale.step, 10))


def draw_dates(users: NDArray[np.int64], config: TasteConfig, rng: Generator) -> NDArray[np.int64]:
    """Draw when each rating was given: a user comes on some day and rates over the weeks that follow."""
    joined_U = rng.uniform(0, config.days * 0.8, config.num_users)
    days_E = np.minimum(joined_U[users] + rng.exponential(config.days * 0.1, len(users)), config.days)
    start_us = int(FIRST_DAY.timestamp()) * 1_000_000
    seconds_E = (days_E * timedelta(days=1).total_seconds()).astype(np.int64)
    return np.asarray(start_us + seconds_E * 1_000_000)
