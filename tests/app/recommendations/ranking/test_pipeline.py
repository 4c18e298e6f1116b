"""Laws that hold for every catalogue, user profile and request."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.items.service import by_similarity
from app.recommendations.items.similarity import ItemSimilarity
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.exploration import new_items
from app.recommendations.ranking.pipeline import RankingInputs
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.request.enums import Reason, Source
from app.recommendations.request.options import Options
from app.recommendations.state.popularity import Popularity
from models.core.interactions import Rows
from tests.app.recommendations.helpers import ITEMS, NUM_ITEMS
from tests.app.recommendations.ranking.worlds import (
    NUM_CATALOGUE,
    World,
    choose,
    live_model,
    may_be_shown,
    options,
    user_ratings,
    worlds,
)


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(world=worlds(), rated=user_ratings, asked=options)
def test_an_answer_holds_only_allowed_items_and_is_never_needlessly_short(
    kind: str, world: World, rated: dict[int, float], asked: Options
) -> None:
    live = live_model(world.catalogue, kind, world.num_cold)
    chosen, reason = choose(world.catalogue, live, UserProfile(list(rated), list(rated.values())), asked)
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
@given(world=worlds(), rated=user_ratings, asked=options)
def test_a_shorter_answer_is_the_head_of_a_longer_one(
    kind: str, world: World, rated: dict[int, float], asked: Options
) -> None:
    live, profile = live_model(world.catalogue, kind, world.num_cold), UserProfile(list(rated), list(rated.values()))
    longest, _ = choose(world.catalogue, live, profile, replace(asked, limit=30))
    chosen, _ = choose(world.catalogue, live, profile, asked)
    head: list[list[Any]] = [each[: asked.limit] for each in (longest.slots, longest.scores, longest.sources)]
    assert [chosen.slots, chosen.scores, chosen.sources] == head
    for one, other in zip(chosen.predicted, longest.predicted, strict=False):
        assert one == pytest.approx(other, abs=1e-5)  # a product of more columns is rounded otherwise


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(rated=user_ratings, limit=st.integers(1, 30))
def test_the_answer_is_the_head_of_the_torch_forward_pass(kind: str, rated: dict[int, float], limit: int) -> None:
    catalogue = Catalogue()
    rows = [CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)]
    catalogue.apply(rows, 1)
    live = live_model(catalogue, kind)
    rated = {slot: value for slot, value in rated.items() if slot < NUM_ITEMS}
    if not rated:
        return
    chosen, _ = choose(catalogue, live, UserProfile(list(rated), list(rated.values())), Options(limit=limit))
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
@given(world=worlds(), rated=user_ratings, asked=options, seed=st.integers(0, 2**63 - 1))
def test_exploration_gives_new_items_their_share_of_the_places_without_a_pin(
    kind: str, world: World, rated: dict[int, float], asked: Options, seed: int
) -> None:
    live, profile = (
        live_model(world.catalogue, kind, world.num_cold),
        UserProfile(list(rated), list(rated.values()), seed=seed),
    )
    chosen, reason = choose(world.catalogue, live, profile, asked)
    plain, _ = choose(world.catalogue, live, profile, replace(asked, exploration=0.0))
    assert len(chosen.slots) == len(plain.slots)
    free = [
        (slot, source) for slot, source in zip(chosen.slots, chosen.sources, strict=True) if source is not Source.PINNED
    ]
    is_new = [source is Source.NEW for _, source in free]
    new = np.flatnonzero(new_items(world.catalogue, live, live.popularity)).tolist()
    assert all(slot in new for slot, source in free if source is Source.NEW)
    left = sum(may_be_shown(world, slot, asked) for slot in set(new) - set(chosen.slots) - set(rated))
    if left and reason is not Reason.ALL_RATED:  # enough new items were left
        assert sum(is_new) >= int(asked.exploration * len(free))


@given(world=worlds(), asked=options, of=st.integers(0, NUM_CATALOGUE - 1), with_model=st.booleans())
def test_lists_that_are_not_personal_hold_only_allowed_items(
    world: World, asked: Options, of: int, with_model: bool
) -> None:
    catalogue, empty_profile = world.catalogue, UserProfile([], [])
    trained = live_model(catalogue, "linear")
    live = trained if with_model else None
    vectors = trained.model.item_vectors() if with_model else None
    by_model = np.linspace(-1, 1, NUM_CATALOGUE, dtype=np.float32)
    ranker = partial(by_similarity, ItemSimilarity(by_model, by_model[::-1] * np.float32(0.5), 1.5), of)
    inputs = RankingInputs(live, counted=None if live else trained.popularity, vectors=vectors)
    popularity, limit = trained.popularity, asked.limit
    rankings = [
        pipeline.rank_popular(catalogue, inputs, empty_profile, asked, limit=limit, popularity=popularity),
        pipeline.rank_new(catalogue, inputs, empty_profile, asked, limit=limit),
        pipeline.choose(ranker, catalogue, inputs, empty_profile, options=asked, limit=limit, excluded=np.array([of])),
    ]
    lists = [ranking.items for ranking in rankings]
    matching = {slot for slot in range(NUM_CATALOGUE) if may_be_shown(world, slot, asked)}
    for chosen in lists:
        assert len(chosen.slots) == len(set(chosen.slots)) <= asked.limit
        assert set(chosen.slots) <= matching
    assert [len(chosen.slots) for chosen in lists[:2]] == [min(asked.limit, len(matching))] * 2
    assert of not in lists[2].slots


@given(limit=st.integers(1, 30))
def test_ties_keep_the_order_of_the_catalogue(limit: int) -> None:
    catalogue = Catalogue()
    catalogue.apply([CatalogueRow(place, item, None, (), True) for place, item in enumerate(ITEMS)], 1)
    popularity = Popularity.of(np.arange(NUM_ITEMS), np.ones(NUM_ITEMS), np.full(NUM_ITEMS, 4.0), lowest=1)
    inputs = RankingInputs(None, counted=popularity)
    chosen = pipeline.rank_popular(catalogue, inputs, UserProfile([], []), Options(), limit=limit).items
    assert chosen.slots == list(range(min(limit, NUM_ITEMS)))
