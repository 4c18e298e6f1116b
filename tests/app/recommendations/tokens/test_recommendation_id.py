"""An id gives back what was written, or is refused; whatever the bytes, nothing worse happens."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import asdict

from app.kit.errors import InvalidRequest
from app.recommendations.ranking.rotation import RecentImpressions
from app.recommendations.request.enums import Source
from app.recommendations.request.options import Options
from app.recommendations.tokens import codec, struct_format
from app.recommendations.tokens.page_cursor import MAX_PREVIOUS_ITEMS
from app.recommendations.tokens.recommendation_id import (
    PURPOSE,
    ListType,
    RecommendationId,
    decode,
    encode_options,
    encode_sources,
)
from app.settings import MAX_LIST
from tests.app.recommendations.tokens.strategies import recommendation_ids

NEW_ITEMS = RecommendationId(
    list_type=ListType.NEW, version=None, catalogue_revision=1, at_us=1, num_slots=1, items=[], source_codes=b""
)


def comparable(recommendation_id: RecommendationId) -> dict[str, Any]:
    impressions = recommendation_id.impressions
    return asdict(recommendation_id) | {
        "previous_items": recommendation_id.previous_items.tolist(),
        "impressions": (impressions.slots.tolist(), impressions.steps.tolist()),
    }


@given(recommendation_ids())
def test_an_id_survives_encoding(recommendation_id: RecommendationId) -> None:
    assert comparable(decode(codec.encode(recommendation_id, PURPOSE), "id")) == comparable(recommendation_id)


@given(recommendation_ids(), st.data())
def test_an_id_with_a_letter_changed_is_refused(recommendation_id: RecommendationId, data: st.DataObject) -> None:
    text = codec.encode(recommendation_id, PURPOSE)
    place = data.draw(st.integers(0, len(text) - 2))  # the last letter may hold unused bits
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


@given(recommendation_ids(), st.binary(max_size=300), st.integers(0, 300))
@example(NEW_ITEMS, b"", 300)
def test_a_forged_id_holds_nothing_that_a_database_refuses(
    recommendation_id: RecommendationId, forged: bytes, kept: int
) -> None:
    """Some of a true id's bytes, then any, with the right check sum."""
    true = codec.encode(recommendation_id, PURPOSE)
    body = decode_body(true)[:kept] + forged
    text = urlsafe_b64encode(codec.check_sum(PURPOSE, body) + body).decode()
    try:
        read = decode(text, "id")
    except InvalidRequest:
        return
    assert max([read.user, read.revision or 0, read.at_us, read.catalogue_revision, *read.items]) < 2**63
    assert min(read.user, read.revision or 0, read.at_us, read.catalogue_revision) >= 0
    assert len(read.items) == len(read.sources) <= MAX_LIST
    assert len(read.previous_items) <= MAX_PREVIOUS_ITEMS
    assert read.version is None or (len(read.version) <= 100 and "\0" not in read.version)


def decode_body(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))[8:]


def test_an_id_that_0_1_0_gave_out_is_still_read() -> None:
    read = decode(
        "cmNSwOV8utoBAAEBAAIbAA0AAAAjAA0AAAAEAAAAAAAAAAAAAAAAAAAABwAAAAAAALxUAAAAAAAAAW0AAAAAAAABbA"
        "AAAAAAAAFr__________8ABmDu3c3RAAAAAWwAAAAAAAAAAQAAAAIAAAAAAAUyMDI2LTExLTIzVDEwLTE1LTAwWi1o"
        "eWJyaWQAAwAAAAUAAAAoAAAAeNqrVsrJzM0sUbIy0lFKySxLLSrOLKlUsjLQM60FAH8-COgAAv8DAAEAAAAJAAAA",
        "id",
    )
    assert comparable(read) == comparable(
        RecommendationId(
            list_type=ListType.USER,
            version="2026-11-23T10-15-00Z-hybrid",
            user=7,
            revision=48211,
            catalogue_revision=365,
            cold_revision=364,
            at_us=1_795_428_900_000_000,
            num_slots=364,
            previous_items=np.array([3, 5, 40]),
            items=[1, 2**33],
            source_codes=encode_sources([Source.PERSONAL, Source.PINNED]),
            encoded_options=encode_options(Options(limit=2, diversity=0.5)),
            experiment=4,
            known_revision=363,
            impressions=RecentImpressions(np.array([1, 9]), np.array([255, 3], np.uint8)),
            is_batched=True,
        )
    )


@given(st.binary(max_size=300))
def test_whatever_is_forged_in_the_format_of_0_1_0_is_read_or_refused(body: bytes) -> None:
    text = urlsafe_b64encode(codec.check_sum(struct_format.PURPOSE, body) + body).decode()
    with pytest.raises(InvalidRequest):
        decode(text, "id")
