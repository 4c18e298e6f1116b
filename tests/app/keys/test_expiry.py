"""Lifetimes of keys, as commands take them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from app.keys.expiry import parse_expiry, parse_lifetime


def test_a_lifetime_is_hours_or_days() -> None:
    assert (parse_lifetime("24h"), parse_lifetime("90d")) == (timedelta(days=1), timedelta(days=90))


def test_an_expiry_is_a_lifetime_from_now_or_a_date_in_utc() -> None:
    assert parse_expiry("2h") - datetime.now(UTC) > timedelta(minutes=119)
    assert parse_expiry("2999-01-31") == datetime(2999, 1, 31, tzinfo=UTC)
    assert parse_expiry("2999-01-31T02:00+02:00") == datetime(2999, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "90", "-1d", "999999d", "0h", "2020-01-01"])
def test_an_expiry_that_is_past_or_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"must be"):
        parse_expiry(text)
