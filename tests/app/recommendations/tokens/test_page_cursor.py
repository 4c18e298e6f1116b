"""A cursor is read as it was written, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import InvalidCursor
from app.recommendations.ranking.rankers import RankedItems
from app.recommendations.ranking.rotation import NO_IMPRESSIONS
from app.recommendations.request.options import Options
from app.recommendations.tokens import codec
from app.recommendations.tokens.page_cursor import MAX_PREVIOUS_ITEMS, PageCursor, decode
from app.recommendations.users.response import following
from app.recommendations.users.service import list_owner
from tests.app.recommendations.tokens.strategies import impressions

cursors = st.builds(
    PageCursor,
    version=st.none() | st.text(min_size=1, max_size=50),
    revision=st.none() | st.integers(0, 2**62),
    num_slots=st.integers(0, 2**31),
    impressions=st.just(NO_IMPRESSIONS) | impressions,
    previous_items=st.sets(st.integers(0, 10**6), max_size=200).map(lambda slots: np.array(sorted(slots), np.int64)),
)


def next_cursor(cursor: PageCursor, page: list[int]) -> str:
    """Return the cursor that follows a page of these slots."""
    return codec.encode(following(cursor, RankedItems(slots=page)), b"of")


@given(cursors, st.binary())
def test_a_cursor_survives_encoding(cursor: PageCursor, of: bytes) -> None:
    read = decode(codec.encode(cursor, of), "cursor").of(of)
    assert (read.version, read.revision, read.num_slots) == (cursor.version, cursor.revision, cursor.num_slots)
    np.testing.assert_array_equal(read.previous_items, cursor.previous_items)
    np.testing.assert_array_equal(read.impressions.slots, cursor.impressions.slots)
    np.testing.assert_array_equal(read.impressions.steps, cursor.impressions.steps)


@given(cursors, st.sets(st.integers(0, 10**6), max_size=60))
def test_the_next_cursor_holds_the_items_of_the_page(cursor: PageCursor, page: set[int]) -> None:
    read = decode(next_cursor(cursor, list(page - set(cursor.previous_items.tolist()))), "cursor").of(b"of")
    assert read.previous_items.tolist() == sorted(page | set(cursor.previous_items.tolist()))


@given(cursors, st.data())
def test_a_cursor_with_a_letter_changed_is_refused(cursor: PageCursor, data: st.DataObject) -> None:
    text = codec.encode(cursor, b"of")
    place = data.draw(st.integers(0, len(text) - 2))  # the last letter may hold unused bits
    letter = data.draw(st.sampled_from("ABCDabcd0123-_").filter(lambda letter: letter != text[place]))
    with pytest.raises(InvalidCursor) as refused:
        decode(text[:place] + letter + text[place + 1 :], "/cursor").of(b"of")
    assert [field["field"] for field in refused.value.fields] == ["/cursor"]


@given(cursors)
def test_a_cursor_of_another_list_is_refused(cursor: PageCursor) -> None:
    with pytest.raises(InvalidCursor):
        decode(codec.encode(cursor, b"of"), "cursor").of(b"other")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.hex()))
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(text, "cursor").of(b"of")


def test_the_longest_list_fits_a_request_line() -> None:
    slots = np.sort(np.random.default_rng(0).choice(50_000, MAX_PREVIOUS_ITEMS, replace=False))
    cursor = PageCursor(version="2026-11-23T10-15-00Z-hybrid", revision=10**9, num_slots=50_000, previous_items=slots)
    assert len(codec.encode(cursor, b"of")) < 8_000  # of the 8 KiB that proxies allow
    np.testing.assert_array_equal(decode(codec.encode(cursor, b"of"), "cursor").of(b"of").previous_items, slots)


def test_a_list_is_identified_by_every_option_but_the_limit() -> None:
    first = list_owner(b"ada", Options())
    assert first == list_owner(b"ada", Options(limit=50))
    assert first != list_owner(b"bob", Options())
    assert first != list_owner(b"ada", Options(include_rated=True))
