"""An id gives back what was written, or is refused; whatever the bytes, nothing worse happens."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kit.errors import InvalidRequest
from app.kit.times import LATEST_US
from app.recommendations.ranking.ranked_items import Source
from app.recommendations.ranking.rotation import NOTHING_SHOWN
from app.recommendations.request.options import Options
from app.recommendations.tokens.options_code import decode_options, encode_options
from app.recommendations.tokens.page_cursor import MAX_SHOWN, NOTHING, check_sum
from app.recommendations.tokens.recommendation_id import HEAD, OF, ListType, RecommendationId, decode, encode
from app.recommendations.users.schemas import RecommendationQuery
from app.settings import MAX_LIST
from tests.app.recommendations.tokens.test_page_cursor import shown_lately

BIG = 2**63 - 1
numbers = st.integers(0, BIG)
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20)
rows = st.lists(st.tuples(st.integers(1, 2**31) | st.integers(2**32, BIG), st.sampled_from(Source)), max_size=40)
shown = st.sets(st.integers(0, 10**6), max_size=200).map(lambda slots: np.array(sorted(slots), np.int64))


@st.composite
def identities(draw: st.DrawFn) -> RecommendationId:
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
        lately=draw(st.just(NOTHING_SHOWN) | shown_lately),
        known_revision=draw(st.integers(-1, BIG)),
        popularity_revision=draw(st.integers(-1, BIG)),
    )


def plainly(identity: RecommendationId) -> dict[str, Any]:
    lately = identity.lately
    return identity._asdict() | {
        "shown": identity.shown.tolist(),
        "lately": (lately.slots.tolist(), lately.steps.tolist()),
    }


@given(identities())
def test_an_id_gives_back_what_was_written(identity: RecommendationId) -> None:
    assert plainly(decode(encode(identity), "id")) == plainly(identity)


@given(identities(), st.data())
def test_an_id_with_a_letter_changed_is_refused(identity: RecommendationId, data: st.DataObject) -> None:
    text = encode(identity)
    place = data.draw(st.integers(0, len(text) - 2))  # the last letter may hold bits that say nothing
    letter = data.draw(st.sampled_from("ABCDabcd0123-_").filter(lambda letter: letter != text[place]))
    with pytest.raises(InvalidRequest) as refused:
        decode(text[:place] + letter + text[place + 1 :], "/3/recommendation_id")
    assert [field["field"] for field in refused.value.fields] == ["/3/recommendation_id"]


@given(st.text(max_size=300))
@example("A" * 300)
@example("é")
@example("")
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        decode(text, "id")


@given(identities(), st.binary(max_size=300), st.integers(0, HEAD.size))
@example(RecommendationId(ListType.NEW, None, 1, 1, 1, 1, 1, 1, NOTHING, [], []), b"", HEAD.size)
def test_whatever_is_forged_holds_nothing_that_a_database_refuses(
    identity: RecommendationId, forged: bytes, kept: int
) -> None:
    """Some of a true id's head, then any bytes, with the right check sum."""
    true = encode(identity)
    body = decode_body(true)[:kept] + forged
    text = urlsafe_b64encode(check_sum(OF, body) + body).decode()
    try:
        read = decode(text, "id")
    except InvalidRequest:
        return
    assert max([read.user, read.revision or 0, read.at_us, read.catalogue_revision, *read.items]) < 2**63
    assert min(read.user, read.revision or 0, read.at_us, read.catalogue_revision) >= 0
    assert len(read.items) == len(read.sources) <= MAX_LIST
    assert len(read.shown) <= MAX_SHOWN
    assert read.version is None or (len(read.version) <= 100 and "\0" not in read.version)


def decode_body(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))[8:]


scalars = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | st.booleans()
scalars |= st.just("2026-11-23T10:15:00.25+01:00")
conditions = st.fixed_dictionaries({"name": texts}).flatmap(
    lambda said: st.one_of(
        scalars.map(lambda value: {**said, "eq": value}),
        st.lists(scalars, min_size=1, max_size=4).map(lambda values: {**said, "in": values}),
        st.integers().map(lambda value: {**said, "gte": value}),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: {**said, "lte": value}),
    )
)
lists = st.lists(texts, max_size=3)
boosts = st.fixed_dictionaries(
    {"factor": st.floats(0.01, 100), "attribute": st.lists(conditions, min_size=1, max_size=2)},
    optional={"item_id": st.lists(texts, min_size=1, max_size=2), "category": st.lists(texts, min_size=1, max_size=2)},
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.integers(1, 100),
        "include_rated": st.booleans(),
        "category": lists,
        "category_all": lists,
        "exclude_category": lists,
        "attribute": st.lists(conditions, max_size=3),
        "block": lists,
        "boost": st.lists(boosts, max_size=2),
        "pin": texts.flatmap(
            lambda item: st.sampled_from([[], [{"item_id": item}], [{"item_id": item, "position": 3}]])
        ),
        "diversity": st.floats(0, 1),
        "exploration": st.floats(0, 1),
        "rotation": st.floats(0, 1),
        "rotation_hours": st.floats(0.1, 100),
        "explain": st.booleans(),
        "explain_ratings": st.integers(1, 20),
    },
)


@given(asked)
def test_options_are_given_back(said: dict[str, Any]) -> None:
    options = RecommendationQuery.model_validate(said).options()
    again = decode_options(encode_options(options))
    assert again == options


def test_plain_options_take_no_room() -> None:
    assert encode_options(Options()) == b""
    assert encode_options(Options(limit=11)) != b""


@given(st.binary(min_size=1, max_size=50))
def test_options_that_nobody_wrote_are_a_value_error(code: bytes) -> None:
    with pytest.raises(ValueError, match=r"Error -\d|validation error|JSON"):
        decode_options(code)
