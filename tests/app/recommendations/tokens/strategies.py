"""Recent impressions and recommendation ids drawn at random."""

import numpy as np
from hypothesis import strategies as st

from app.kit.times import LATEST_US
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, STEPS, RecentImpressions
from app.recommendations.request.enums import Source
from app.recommendations.tokens.recommendation_id import ListType, RecommendationId, encode_sources

impressions = st.dictionaries(st.integers(0, 10**6), st.integers(1, STEPS), max_size=60).map(
    lambda steps: RecentImpressions(
        np.array(sorted(steps), np.int64), np.array([steps[s] for s in sorted(steps)], np.uint8)
    )
)
BIG = 2**63 - 1
numbers = st.integers(0, BIG)
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20)
rows = st.lists(st.tuples(st.integers(1, 2**31) | st.integers(2**32, BIG), st.sampled_from(Source)), max_size=40)
previous_items = st.sets(st.integers(0, 10**6), max_size=200).map(lambda slots: np.array(sorted(slots), np.int64))


@st.composite
def recommendation_ids(draw: st.DrawFn) -> RecommendationId:
    """Draw what may be written."""
    chosen = draw(rows)
    return RecommendationId(
        list_type=draw(st.sampled_from(ListType)),
        version=draw(st.none() | texts),
        user=draw(numbers),
        revision=draw(st.none() | st.integers(0, BIG - 1)),
        catalogue_revision=draw(numbers),
        cold_revision=draw(st.integers(-1, BIG)),
        at_us=draw(st.integers(0, LATEST_US)),
        num_slots=draw(st.integers(0, 2**32 - 1)),
        previous_items=draw(previous_items),
        items=[item for item, _ in chosen],
        source_codes=encode_sources([source for _, source in chosen]),
        encoded_options=draw(st.binary(max_size=50)),
        subject=draw(st.integers(0, 2**64 - 1)),
        experiment=draw(st.integers(0, 2**32 - 1)),
        is_batched=draw(st.booleans()),
        impressions=draw(st.just(NO_IMPRESSIONS) | impressions),
        known_revision=draw(st.integers(-1, BIG)),
        popularity_revision=draw(st.integers(-1, BIG)),
    )
