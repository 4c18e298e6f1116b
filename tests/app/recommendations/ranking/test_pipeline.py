"""Laws that hold for every catalogue, taste and request."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.content.cold_start import ColdItems
from app.recommendations.items.service import by_similarity
from app.recommendations.items.similarity import ItemSimilarity
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.exploration import new_items
from app.recommendations.ranking.pipeline import Reason, UserProfile
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.request.attribute_values import key_of
from app.recommendations.request.options import (
    NO_RULES,
    Between,
    Boost,
    Condition,
    Filter,
    OneOf,
    Options,
    Pin,
    Rules,
)
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.interactions import Rows
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
conditions = st.one_of(
    st.builds(OneOf, st.just("year"), st.lists(st.integers(0, 3).map(key_of), min_size=1).map(tuple)),
    st.builds(Between, st.just("year"), st.none() | st.integers(0, 3).map(key_of), st.integers(0, 3).map(key_of)),
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
    catalogue.allowed(Filter(conditions=(OneOf("year", (key_of(1),)),)))  # builds the column
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
        return key_of(year) in condition.keys
    low, high = condition.low, condition.high
    return (low is None or year >= low.value) and (high is None or year <= high.value)  # type: ignore[operator]


def live_model(catalogue: Catalogue, kind: str, num_cold: int = 0) -> LoadedModel:
    slots = np.array([catalogue.slot_of_external_id[item] for item in ITEMS], np.int64)
    counts = np.arange(NUM_ITEMS, dtype=np.float64)
    popularity = Popularity.of(slots, counts, 3 * counts, 1)
    live = LoadedModel("v1", model_of(kind), ITEMS, slots, popularity)
    live.fit_to(catalogue)
    if num_cold:
        neighbours = np.arange(2 * num_cold, dtype=np.int32).reshape(num_cold, 2) % NUM_ITEMS
        half = np.full((num_cold, 2), 0.5, np.float32)
        live.cold = ColdItems(NUM_ITEMS + np.arange(num_cold), neighbours, half, np.full(num_cold, 0.8, np.float32))
    return live


tastes = st.dictionaries(
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
    catalogue: Catalogue, live: LoadedModel, taste: UserProfile, asked: Options
) -> tuple[RankedItems, Reason | None]:
    """Choose as the route does."""
    vectors = live.model.item_vectors() if asked.diversity else None
    columns, values = pipeline.known_columns(live, taste)
    if len(columns):
        fold = live.model.fold_in(columns, values)
        chosen = pipeline.select_personal(catalogue, live, fold, taste, asked, vectors)
        if chosen.slots:
            return chosen, None
    reason = Reason.ALL_RATED if len(columns) else Reason.NO_KNOWN_ITEMS
    return pipeline.select_fallback(catalogue, live.popularity, taste, asked, reason, live, vectors)


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@settings(max_examples=75, deadline=None)
@given(world=worlds(), rated=tastes, asked=options)
def test_no_answer_holds_what_it_must_not_nor_is_empty_without_need(
    kind: str, world: World, rated: dict[int, float], asked: Options
) -> None:
    live = live_model(world.catalogue, kind, world.num_cold)
    chosen, reason = choose(world.catalogue, live, UserProfile.of(list(rated), list(rated.values())), asked)
    matching = {slot for slot in range(NUM_CATALOGUE) if may_be_shown(world, slot, asked)}
    assert len(chosen.slots) == len(set(chosen.slots))
    assert set(chosen.slots) <= matching
    unrated = matching - set(rated)
    if asked.include_rated:
        assert len(chosen.slots) == min(asked.limit, len(matching))
    elif reason is Reason.ALL_RATED:
        assert not unrated
        assert len(chosen.slots) == min(asked.limit, len(matching))
    elif unrated:
        assert set(chosen.slots) <= unrated
        assert len(chosen.slots) == min(asked.limit, len(unrated))
    assert bool(chosen.slots) == bool(matching)
    assert (reason is Reason.NO_ITEMS) == (not matching)


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@settings(max_examples=50, deadline=None)
@given(world=worlds(), rated=tastes, asked=options)
def test_a_shorter_answer_is_the_head_of_a_longer_one(
    kind: str, world: World, rated: dict[int, float], asked: Options
) -> None:
    live, taste = live_model(world.catalogue, kind, world.num_cold), UserProfile.of(list(rated), list(rated.values()))
    longest, _ = choose(world.catalogue, live, taste, replace(asked, limit=30))
    chosen, _ = choose(world.catalogue, live, taste, asked)
    head: list[list[Any]] = [each[: asked.limit] for each in (longest.slots, longest.scores, longest.sources)]
    assert [chosen.slots, chosen.scores, chosen.sources] == head
    for one, other in zip(chosen.predicted, longest.predicted, strict=False):
        assert one == pytest.approx(other, abs=1e-5)  # a product of more columns is rounded otherwise


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@settings(max_examples=50, deadline=None)
@given(rated=tastes, limit=st.integers(1, 30))
def test_the_answer_is_the_head_of_the_torch_forward_pass(kind: str, rated: dict[int, float], limit: int) -> None:
    catalogue = Catalogue()
    rows = [CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)]
    catalogue.apply(rows, 1)
    live = live_model(catalogue, kind)
    rated = {slot: value for slot, value in rated.items() if slot < NUM_ITEMS}
    if not rated:
        return
    chosen, _ = choose(catalogue, live, UserProfile.of(list(rated), list(rated.values())), Options(limit=limit))
    order = sorted(rated)
    batch = Rows(np.array([0, len(rated)]), np.array(order, np.int32), np.array([rated[s] for s in order], np.float32))
    scores, ratings = live.model.preference(batch)[0], live.model.rating(batch)[0]
    personal: list[Any] = [
        (slot, score, predicted)
        for slot, score, predicted, source in zip(
            chosen.slots, chosen.scores, chosen.predicted, chosen.sources, strict=True
        )
        if source is Source.PERSONAL
    ]
    for slot, score, predicted in personal:
        assert score == pytest.approx(float(scores[slot]), abs=1e-4)
        assert predicted == pytest.approx(float(ratings[slot]), abs=1e-3)
    left_out = [float(scores[slot]) for slot in range(NUM_ITEMS) if slot not in rated and slot not in chosen.slots]
    if left_out and personal:
        assert max(left_out) <= personal[-1][1] + 1e-4


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@settings(max_examples=50, deadline=None)
@given(world=worlds(), rated=tastes, asked=options, seed=st.integers(0, 2**63 - 1))
def test_exploration_gives_new_items_their_share_of_the_places_without_a_pin(
    kind: str, world: World, rated: dict[int, float], asked: Options, seed: int
) -> None:
    live, taste = (
        live_model(world.catalogue, kind, world.num_cold),
        UserProfile.of(list(rated), list(rated.values()), seed=seed),
    )
    chosen, reason = choose(world.catalogue, live, taste, asked)
    plain, _ = choose(world.catalogue, live, taste, replace(asked, exploration=0.0))
    assert len(chosen.slots) == len(plain.slots)
    free = [
        (slot, source) for slot, source in zip(chosen.slots, chosen.sources, strict=True) if source is not Source.PINNED
    ]
    is_new = [source is Source.NEW for _, source in free]
    new = np.flatnonzero(new_items(world.catalogue, live, live.popularity)).tolist()
    assert all(slot in new for slot, source in free if source is Source.NEW)
    left = sum(may_be_shown(world, slot, asked) for slot in set(new) - set(chosen.slots) - set(rated))
    if left and reason is not Reason.ALL_RATED:  # nobody had to give way
        assert sum(is_new) >= int(asked.exploration * len(free))


@settings(max_examples=50, deadline=None)
@given(world=worlds(), asked=options, of=st.integers(0, NUM_CATALOGUE - 1), with_model=st.booleans())
def test_no_list_for_everybody_holds_what_it_must_not(world: World, asked: Options, of: int, with_model: bool) -> None:
    catalogue, nobody = world.catalogue, UserProfile.of([], [])
    trained = live_model(catalogue, "linear")
    live = trained if with_model else None
    vectors = trained.model.item_vectors() if with_model else None
    by_model = np.linspace(-1, 1, NUM_CATALOGUE, dtype=np.float32)
    order = by_similarity(
        ItemSimilarity(by_model, by_model[::-1] * np.float32(0.5), 1.5), of, pipeline.factors_of(catalogue, asked)
    )
    aids = pipeline.RerankInputs(live, vectors, live.popularity if live else None)
    alike = pipeline.rerank(order, catalogue, nobody, asked, aids)
    lists = [
        pipeline.select_popular(catalogue, trained.popularity, nobody, asked, live, vectors),
        pipeline.select_new(catalogue, nobody, asked, live, vectors),
        alike(pipeline.scope_of(catalogue, nobody, asked).less(np.array([of]))),
    ]
    matching = {slot for slot in range(NUM_CATALOGUE) if may_be_shown(world, slot, asked)}
    for chosen in lists:
        assert len(chosen.slots) == len(set(chosen.slots)) <= asked.limit
        assert set(chosen.slots) <= matching
    assert [len(chosen.slots) for chosen in lists[:2]] == [min(asked.limit, len(matching))] * 2
    assert of not in lists[2].slots


@given(limit=st.integers(1, 30))
def test_ties_are_broken_by_the_catalogues_order(limit: int) -> None:
    catalogue = Catalogue()
    catalogue.apply([CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)], 1)
    popularity = Popularity.of(np.arange(NUM_ITEMS), np.ones(NUM_ITEMS), np.full(NUM_ITEMS, 4.0), 1)
    chosen = pipeline.select_popular(catalogue, popularity, UserProfile.of([], []), Options(limit))
    assert chosen.slots == list(range(min(limit, NUM_ITEMS)))
