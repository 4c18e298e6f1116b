"""Recent impressions are demoted: how far, for how long, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, STEPS, RecentImpressions
from app.recommendations.request.options import Options
from tests.app.recommendations.ranking.worlds import (
    NUM_CATALOGUE,
    World,
    choose,
    live_model,
    options,
    user_ratings,
    worlds,
)

shown = st.dictionaries(st.integers(0, NUM_CATALOGUE + 2), st.integers(1, STEPS), max_size=NUM_CATALOGUE)
rotated = st.builds(replace, options, rotation=st.sampled_from([0.0, 0.3, 0.9, 1.0]))


def impressions_of(steps: dict[int, int]) -> RecentImpressions:
    slots = sorted(steps)
    return RecentImpressions(np.array(slots, np.int64), np.array([steps[slot] for slot in slots], np.uint8))


def profile_of(rated: dict[int, float], steps: dict[int, int]) -> UserProfile:
    return UserProfile(list(rated), list(rated.values()), seed=7, impressions=impressions_of(steps))


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(world=worlds(), rated=user_ratings, steps=shown, asked=rotated)
def test_rotation_removes_no_item_and_a_shorter_answer_is_the_head_of_a_longer_one(
    kind: str, world: World, rated: dict[int, float], steps: dict[int, int], asked: Options
) -> None:
    live, profile = live_model(world.catalogue, kind, world.num_cold), profile_of(rated, steps)
    whole, reason = choose(world.catalogue, live, profile, replace(asked, limit=40))
    plain, plain_reason = choose(world.catalogue, live, profile, replace(asked, limit=40, rotation=0.0))
    assert sorted(whole.slots) == sorted(plain.slots)
    assert reason == plain_reason
    head, _ = choose(world.catalogue, live, profile, asked)
    assert head.slots == whole.slots[: asked.limit]


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(world=worlds(), rated=user_ratings, steps=shown, asked=rotated)
def test_without_rotation_or_impressions_the_list_is_the_plain_one(
    kind: str, world: World, rated: dict[int, float], steps: dict[int, int], asked: Options
) -> None:
    live = live_model(world.catalogue, kind, world.num_cold)
    plain, _ = choose(world.catalogue, live, profile_of(rated, {}), replace(asked, rotation=0.0))
    assert choose(world.catalogue, live, profile_of(rated, steps), replace(asked, rotation=0.0))[0] == plain
    assert choose(world.catalogue, live, profile_of(rated, {}), asked)[0] == plain


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(world=worlds(), rated=user_ratings, steps=shown, asked=rotated)
def test_full_rotation_puts_shown_items_behind_all_others_but_pins(
    kind: str, world: World, rated: dict[int, float], steps: dict[int, int], asked: Options
) -> None:
    live, profile = live_model(world.catalogue, kind, world.num_cold), profile_of(rated, steps)
    chosen, _ = choose(world.catalogue, live, profile, replace(asked, limit=40, rotation=1.0))
    pins = {pin.item_id for pin in asked.rules.pins + world.catalogue.rules.pins}
    free = [slot in steps for slot in chosen.slots if world.catalogue.external_ids[slot] not in pins]
    assert free == sorted(free)


@pytest.mark.parametrize("kind", ["linear", "denoising"])
@given(world=worlds(), rated=user_ratings, steps=shown, asked=rotated)
def test_scores_descend_within_a_source_and_only_those_of_shown_items_fall(
    kind: str, world: World, rated: dict[int, float], steps: dict[int, int], asked: Options
) -> None:
    live, profile = live_model(world.catalogue, kind, world.num_cold), profile_of(rated, steps)
    simple = replace(asked, limit=40, diversity=0.0, exploration=0.0, rules=Options().rules)
    world.catalogue.rules = Options().rules
    chosen, _ = choose(world.catalogue, live, profile, simple)
    plain, _ = choose(world.catalogue, live, profile, replace(simple, rotation=0.0))
    before = dict(zip(plain.slots, plain.scores, strict=True))
    scores = [score for score in chosen.scores if score is not None]
    assert scores == sorted(scores, reverse=True)
    for slot, score in zip(chosen.slots, chosen.scores, strict=True):
        if score is not None and slot not in steps:
            assert score == before[slot]
        elif score is not None:
            assert score <= (before[slot] or 0.0) + 1e-6


def test_the_discount_fades_with_the_age_of_an_impression() -> None:
    impressions = RecentImpressions(np.array([0, 1, 2, 5]), np.array([STEPS, STEPS // 2, 1, STEPS], np.uint8))
    half = impressions.factors(5, 0.5)
    assert half is not None
    assert half.tolist() == pytest.approx([0.5, 0.708, 0.997, 1, 1], abs=1e-3)
    assert impressions.factors(5, 0.0) is None
    assert NO_IMPRESSIONS.factors(5, 1.0) is None
