"""Laws that hold for every catalogue, taste and request."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.recommendations import service
from app.recommendations.catalogue import Catalogue, CatalogueRow
from app.recommendations.live import LiveModel
from app.recommendations.options import Filter, Options
from app.recommendations.popularity import Popularity
from app.recommendations.service import Reason, Selection, Source, Taste
from models.base import Model
from models.interactions import Rows
from tests.app.recommendations.conftest import ITEMS, NUM_ITEMS, camps, train

NUM_CATALOGUE = NUM_ITEMS + 4  # some the model does not know
CATEGORIES = ("even", "odd", "rare")
MODELS: dict[str, Model] = {}


def model_of(kind: str) -> Model:
    """Train each kind once."""
    if kind not in MODELS:
        MODELS[kind] = train(kind, camps())
    return MODELS[kind]


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Any catalogue of the known items and some new ones, in any state, learned of in two steps."""
    rows = [
        CatalogueRow(
            id=10 + 3 * place,
            external_id=ITEMS[place] if place < NUM_ITEMS else f"new {place}",
            title=None,
            categories=draw(st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=2)),
            active=draw(st.booleans()),
        )
        for place in range(NUM_CATALOGUE)
    ]
    catalogue = Catalogue()
    first = draw(st.integers(0, NUM_CATALOGUE))
    catalogue.apply([row._replace(active=not row.active) for row in rows[:first]], 1)
    catalogue.apply(rows, 2)
    return catalogue


def live_model(catalogue: Catalogue, kind: str) -> LiveModel:
    slots = np.array([catalogue.slot_of_external_id[item] for item in ITEMS], np.int64)
    counts = np.arange(NUM_ITEMS, dtype=np.float64)
    popularity = Popularity.of(slots, counts, 3 * counts, 1)
    live = LiveModel("v1", model_of(kind), ITEMS, slots, popularity)
    live.fit_to(catalogue)
    return live


tastes = st.dictionaries(
    st.integers(0, NUM_CATALOGUE - 1), st.integers(2, 10).map(lambda half: half / 2), max_size=NUM_CATALOGUE
)
options = st.builds(
    Options,
    limit=st.integers(1, 30),
    include_rated=st.booleans(),
    filter=st.builds(
        Filter,
        categories=st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple),
        no_categories=st.lists(st.sampled_from(CATEGORIES), max_size=1).map(tuple),
    ),
)


def choose(catalogue: Catalogue, live: LiveModel, taste: Taste, asked: Options) -> tuple[Selection, Reason | None]:
    """Choose as the route does."""
    columns, values = service.known_columns(live, taste)
    if len(columns):
        fold = live.model.fold_in(columns, values)
        chosen = service.select_personal(catalogue, live, fold, taste, asked)
        if chosen.slots:
            return chosen, None
    reason = Reason.ALL_RATED if len(columns) else Reason.NO_KNOWN_ITEMS
    return service.select_fallback(catalogue, live.popularity, taste, asked, reason)


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@settings(max_examples=150, deadline=None)
@given(catalogue=catalogues(), rated=tastes, asked=options)
def test_no_answer_holds_what_it_must_not_nor_is_empty_without_need(
    kind: str, catalogue: Catalogue, rated: dict[int, float], asked: Options
) -> None:
    live = live_model(catalogue, kind)
    chosen, reason = choose(catalogue, live, Taste.of(list(rated), list(rated.values())), asked)
    matching = set(np.flatnonzero(catalogue.allowed(asked.filter)).tolist())
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
@settings(max_examples=100, deadline=None)
@given(rated=tastes, limit=st.integers(1, 30))
def test_the_answer_is_the_head_of_the_torch_forward_pass(kind: str, rated: dict[int, float], limit: int) -> None:
    catalogue = Catalogue()
    rows = [CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)]
    catalogue.apply(rows, 1)
    live = live_model(catalogue, kind)
    rated = {slot: value for slot, value in rated.items() if slot < NUM_ITEMS}
    if not rated:
        return
    chosen, _ = choose(catalogue, live, Taste.of(list(rated), list(rated.values())), Options(limit=limit))
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


@given(limit=st.integers(1, 30))
def test_ties_are_broken_by_the_catalogues_order(limit: int) -> None:
    catalogue = Catalogue()
    catalogue.apply([CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)], 1)
    popularity = Popularity.of(np.arange(NUM_ITEMS), np.ones(NUM_ITEMS), np.full(NUM_ITEMS, 4.0), 1)
    chosen = service.select_popular(popularity, catalogue.active, limit)
    assert chosen.slots == list(range(min(limit, NUM_ITEMS)))
