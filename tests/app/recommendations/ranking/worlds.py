"""Catalogues, ratings and requests drawn at random, and the lists chosen from them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.content.cold_start import ColdItems
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import RankingInputs
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import RankedItems
from app.recommendations.request.attribute_values import AttributeValue
from app.recommendations.request.enums import Reason
from app.recommendations.request.options import NO_RULES, Between, Boost, Condition, Filter, OneOf, Options, Pin, Rules
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.model import Model
from tests.app.recommendations.helpers import ITEMS, NUM_ITEMS, camps, train

NUM_CATALOGUE = NUM_ITEMS + 4  # some the model does not know
CATEGORIES = ("even", "odd", "rare")
MODELS: dict[str, Model] = {}


def model_of(kind: str) -> Model:
    """Train each kind once."""
    if kind not in MODELS:
        MODELS[kind] = train(kind, camps())
    return MODELS[kind]


def item_id(place: int) -> str:
    return ITEMS[place] if place < NUM_ITEMS else f"new {place}"


PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
WINDOWS = [(None, None)] * 4 + [(PAST, FUTURE), (FUTURE, None), (None, PAST)]
item_ids = st.integers(0, NUM_CATALOGUE).map(lambda place: item_id(place) if place < NUM_CATALOGUE else "unheard of")
categories = st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple)
years = st.integers(0, 3).map(AttributeValue.of)
conditions = st.one_of(
    st.builds(OneOf, st.just("year"), st.lists(years, min_size=1).map(tuple)),
    st.builds(
        Between,
        st.just("year"),
        st.none() | years,
        years,
    ),
)
filters = st.builds(
    Filter,
    categories=categories,
    all_categories=st.just(()) | categories,
    no_categories=st.just(()) | categories,
    conditions=st.lists(conditions, max_size=1).map(tuple),
)
boosts = st.builds(
    Boost, st.sampled_from([0.001, 0.5, 1.0, 3.0, 1000.0]), filters, st.lists(item_ids, max_size=2).map(tuple)
)
rules = st.builds(
    Rules,
    block=st.lists(item_ids, max_size=3).map(tuple),
    boosts=st.lists(boosts, max_size=2).map(tuple),
    pins=st.lists(st.builds(Pin, item_ids, st.none() | st.integers(1, 20)), max_size=3).map(tuple),
)


class World(NamedTuple):
    """A catalogue in memory, and what it was made from."""

    catalogue: Catalogue
    rows: Sequence[CatalogueRow]
    num_cold: int  # new items that are scored by what they are like


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any catalogue of the known items and some new ones, in any state, under any rules, learned of in two steps."""
    rows = [
        CatalogueRow(
            10 + 3 * place,
            item_id(place),
            None,
            draw(st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=2)),
            draw(st.booleans()),
            draw(st.dictionaries(st.just("year"), st.integers(0, 3))),
            *draw(st.sampled_from(WINDOWS)),
        )
        for place in range(NUM_CATALOGUE)
    ]
    catalogue = Catalogue()
    first = draw(st.integers(0, NUM_CATALOGUE))
    catalogue.apply([row._replace(active=not row.active, attributes={"year": 1}) for row in rows[:first]], 1)
    catalogue.allowed(Filter(conditions=(OneOf("year", (AttributeValue.of(1),)),)))  # builds the column
    catalogue.rules = draw(st.just(NO_RULES) | rules)
    catalogue.apply(rows, 2)
    return World(catalogue, rows, draw(st.integers(0, NUM_CATALOGUE - NUM_ITEMS)))


def may_be_shown(world: World, slot: int, asked: Options) -> bool:
    """Return whether an item meets everything, the slow way."""
    row, wanted = world.rows[slot], asked.filter
    theirs, year = set(row.categories), row.attributes.get("year")
    return (
        row.active
        and row.available_from is not FUTURE
        and row.available_until is not PAST
        and row.external_id not in asked.rules.block + world.catalogue.rules.block
        and (not wanted.categories or bool(theirs & set(wanted.categories)))
        and theirs >= set(wanted.all_categories)
        and not theirs & set(wanted.no_categories)
        and all(year is not None and meets(condition, year) for condition in wanted.conditions)
    )


def meets(condition: Condition, year: int) -> bool:
    """Return whether a year meets a condition."""
    if isinstance(condition, OneOf):
        return AttributeValue.of(year) in condition.keys
    low, high = condition.low, condition.high
    return (low is None or year >= low.value) and (high is None or year <= high.value)  # type: ignore[operator]


def live_model(catalogue: Catalogue, kind: str, num_cold: int = 0) -> LoadedModel:
    slots = np.array([catalogue.slot_of_external_id[item] for item in ITEMS], np.int64)
    counts = np.arange(NUM_ITEMS, dtype=np.float64)
    popularity = Popularity.of(slots, counts, 3 * counts, lowest=1)
    live = LoadedModel("v1", model_of(kind), ITEMS, slots, popularity)
    live.fit_to(catalogue)
    if num_cold:
        neighbours = np.arange(2 * num_cold, dtype=np.int32).reshape(num_cold, 2) % NUM_ITEMS
        half = np.full((num_cold, 2), 0.5, np.float32)
        live.cold = ColdItems(NUM_ITEMS + np.arange(num_cold), neighbours, half, np.full(num_cold, 0.8, np.float32))
    return live


user_ratings = st.dictionaries(
    st.integers(0, NUM_CATALOGUE - 1), st.integers(2, 10).map(lambda half: half / 2), max_size=NUM_CATALOGUE
)
shares = st.just(0.0) | st.sampled_from([0.2, 0.5, 1.0])
options = st.builds(
    Options,
    limit=st.integers(1, 30),
    include_rated=st.booleans(),
    filter=filters,
    rules=st.just(NO_RULES) | rules,
    diversity=shares,
    exploration=shares,
)


def choose(
    catalogue: Catalogue, live: LoadedModel, profile: UserProfile, asked: Options
) -> tuple[RankedItems, Reason | None]:
    """Choose as the route does."""
    vectors = live.model.item_vectors() if asked.diversity else None
    columns, values = live.known_ratings(catalogue, profile.slots, profile.values)
    fold = live.model.fold_in(columns, values) if len(columns) else None
    inputs = RankingInputs(live, fold, vectors=vectors)
    ranking = pipeline.rank(catalogue, inputs, profile, asked, limit=asked.limit)
    return ranking.items, ranking.reason
