"""How long a key lives, as a command takes it."""

import re
from datetime import UTC, datetime, timedelta

import typer

UNITS = {"h": "hours", "d": "days"}


def parse_lifetime(text: str) -> timedelta:
    """Read a time such as ``24h`` or ``90d``."""
    if found := re.fullmatch(r"(\d{1,5})([hd])", text):
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    raise typer.BadParameter("must be hours or days, e.g. 24h or 90d")


def parse_expiry(text: str) -> datetime:
    """Read when a key expires: a lifetime from now, or a date, which is in UTC unless it has a zone of its own."""
    now = datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if not re.fullmatch(r"\d{1,5}[hd]", text):
            raise typer.BadParameter("must be hours, days or a date, e.g. 24h, 90d or 2027-01-31") from None
        moment = now + parse_lifetime(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise typer.BadParameter("must be in the future")
    return moment.astimezone(UTC)
