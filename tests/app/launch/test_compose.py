"""The compose file: a password with any character reaches the database and Palate alike."""

import re

from app.address import PostgresAddress, parse_address
from tests.processes import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()


def values(name: str) -> set[str]:
    """Return the values that a variable has in the file."""
    return set(re.findall(rf"^ *{name}: (.+)$", COMPOSE, re.MULTILINE))


def test_the_password_stands_in_no_address() -> None:
    (url,) = values("PALATE_DATABASE_URL")
    address = parse_address(url)
    assert isinstance(address, PostgresAddress)
    assert (address.hosts, address.password) == ((("database", 5432),), None)
    assert values("PGPASSWORD") == values("POSTGRES_PASSWORD") != set()
