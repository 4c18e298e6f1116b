"""An id is read as it was written, or refused, whatever the bytes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kit.errors import InvalidRequest
from app.recommendations.tokens.page_cursor import MAX_SHOWN, NOTHING, check_sum
from app.recommendations.tokens.recommendation_id import HEAD, OF, ListType, RecommendationId, decode, encode
from app.settings import MAX_LIST
from tests.app.recommendations.tokens.strategies import recommendation_ids


def plainly(identity: RecommendationId) -> dict[str, Any]:
    lately = identity.lately
    return identity._asdict() | {
        "shown": identity.shown.tolist(),
        "lately": (lately.slots.tolist(), lately.steps.tolist()),
    }


@given(recommendation_ids())
def test_an_id_survives_encoding(identity: RecommendationId) -> None:
    assert plainly(decode(encode(identity), "id")) == plainly(identity)


@given(recommendation_ids(), st.data())
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


@given(recommendation_ids(), st.binary(max_size=300), st.integers(0, HEAD.size))
@example(RecommendationId(ListType.NEW, None, 1, 1, 1, 1, 1, 1, NOTHING, [], []), b"", HEAD.size)
def test_a_forged_id_holds_nothing_that_a_database_refuses(
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
