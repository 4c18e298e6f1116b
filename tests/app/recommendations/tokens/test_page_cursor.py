"""A cursor is read as it was written, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import InvalidCursor
from app.recommendations.ranking.rotation import NOTHING_SHOWN
from app.recommendations.request.options import Options
from app.recommendations.tokens.page_cursor import MAX_SHOWN, PageCursor, decode, list_of
from tests.app.recommendations.tokens.strategies import impressions

bookmarks = st.builds(
    PageCursor,
    version=st.none() | st.text(min_size=1, max_size=50),
    revision=st.none() | st.integers(0, 2**62),
    num_slots=st.integers(0, 2**31),
    lately=st.just(NOTHING_SHOWN) | impressions,
    shown=st.sets(st.integers(0, 10**6), max_size=200).map(lambda slots: np.array(sorted(slots), np.int64)),
)


@given(bookmarks, st.binary())
def test_a_cursor_survives_encoding(mark: PageCursor, of: bytes) -> None:
    read = decode(mark.encode(of), "cursor").of(of)
    assert (read.version, read.revision, read.num_slots) == (mark.version, mark.revision, mark.num_slots)
    np.testing.assert_array_equal(read.shown, mark.shown)
    np.testing.assert_array_equal(read.lately.slots, mark.lately.slots)
    np.testing.assert_array_equal(read.lately.steps, mark.lately.steps)


@given(bookmarks, st.sets(st.integers(0, 10**6), max_size=60))
def test_the_next_cursor_holds_the_items_of_the_page(mark: PageCursor, page: set[int]) -> None:
    read = decode(mark.encode(b"of", list(page - set(mark.shown.tolist()))), "cursor").of(b"of")
    assert read.shown.tolist() == sorted(page | set(mark.shown.tolist()))


@given(bookmarks, st.data())
def test_a_cursor_with_a_letter_changed_is_refused(mark: PageCursor, data: st.DataObject) -> None:
    cursor = mark.encode(b"of")
    place = data.draw(st.integers(0, len(cursor) - 2))  # the last letter may hold bits that say nothing
    letter = data.draw(st.sampled_from("ABCDabcd0123-_").filter(lambda letter: letter != cursor[place]))
    with pytest.raises(InvalidCursor) as refused:
        decode(cursor[:place] + letter + cursor[place + 1 :], "/cursor").of(b"of")
    assert [field["field"] for field in refused.value.fields] == ["/cursor"]


@given(bookmarks)
def test_a_cursor_of_another_list_is_refused(mark: PageCursor) -> None:
    with pytest.raises(InvalidCursor):
        decode(mark.encode(b"of"), "cursor").of(b"other")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.hex()))
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(text, "cursor").of(b"of")


def test_the_longest_list_fits_a_request_line() -> None:
    slots = np.sort(np.random.default_rng(0).choice(50_000, MAX_SHOWN, replace=False))
    mark = PageCursor("2026-11-23T10-15-00Z-hybrid", 10**9, 50_000, slots)
    assert len(mark.encode(b"of")) < 8_000  # of the 8 KiB that proxies allow
    np.testing.assert_array_equal(decode(mark.encode(b"of"), "cursor").of(b"of").shown, slots)


def test_a_list_is_identified_by_every_option_but_the_limit() -> None:
    first = list_of(b"ada", Options())
    assert first == list_of(b"ada", Options(limit=50))
    assert first != list_of(b"bob", Options())
    assert first != list_of(b"ada", Options(include_rated=True))
