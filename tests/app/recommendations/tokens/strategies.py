"""Recent impressions and recommendation ids drawn at random."""

import numpy as np
from hypothesis import strategies as st

from app.kit.times import LATEST_US
from app.recommendations.ranking.ranked_items import Source
from app.recommendations.ranking.rotation import NOTHING_SHOWN, STEPS, RecentImpressions
from app.recommendations.tokens.recommendation_id import ListType, RecommendationId

impressions = st.dictionaries(st.integers(0, 10**6), st.integers(1, STEPS), max_size=60).map(
    lambda steps: RecentImpressions(
        np.array(sorted(steps), np.int64), np.array([steps[s] for s in sorted(steps)], np.uint8)
    )
)
BIG = 2**63 - 1
numbers = st.integers(0, BIG)
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20)
rows = st.lists(st.tuples(st.integers(1, 2**31) | st.integers(2**32, BIG), st.sampled_from(Source)), max_size=40)
shown = st.sets(st.integers(0, 10**6), max_size=200).map(lambda slots: np.array(sorted(slots), np.int64))


@st.composite
def recommendation_ids(draw: st.DrawFn) -> RecommendationId:
    """Draw what may be written."""
    chosen = draw(rows)
    return RecommendationId(
        kind=draw(st.sampled_from(ListType)),
        version=draw(st.none() | texts),
        user=draw(numbers),
        revision=draw(st.none() | st.integers(0, BIG - 1)),
        catalogue_revision=draw(numbers),
        cold_revision=draw(st.integers(-1, BIG)),
        at_us=draw(st.integers(0, LATEST_US)),
        num_slots=draw(st.integers(0, 2**32 - 1)),
        shown=draw(shown),
        items=[item for item, _ in chosen],
        sources=[source for _, source in chosen],
        said=draw(st.binary(max_size=50)),
        subject=draw(st.integers(0, 2**64 - 1)),
        experiment=draw(st.integers(0, 2**32 - 1)),
        together=draw(st.booleans()),
        lately=draw(st.just(NOTHING_SHOWN) | impressions),
        known_revision=draw(st.integers(-1, BIG)),
        popularity_revision=draw(st.integers(-1, BIG)),
    )
