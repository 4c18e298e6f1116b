"""The compose file: its password, and what its containers may do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.address import PostgresAddress, parse_address
from app.settings import Settings
from tests.processes import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCRIPT = SERVICES["secrets"]["command"][0].replace("$$", "$")


def test_the_password_stands_in_no_address_and_no_environment() -> None:
    environment = SERVICES["api"]["environment"]
    address = parse_address(environment["PALATE_DATABASE_URL"])
    assert isinstance(address, PostgresAddress)
    assert (address.hosts, address.password) == ((("database", 5432),), None)
    assert [name for name in environment if "PASSWORD" in name] == ["PALATE_DATABASE_PASSWORD_FILE"]
    assert not re.findall(r"PASSWORD:-\w", (ROOT / "docker-compose.yml").read_text())


def make_password(folder: Path, **environment: str) -> str:
    """Run what makes the password, with folders of this machine; return what Palate and the database read."""
    script = SCRIPT.replace("/run/palate", str(folder)).replace("/var/lib/postgresql/data", str(folder / "data"))
    subprocess.run(
        ["sh", "-euc", script], env={"PATH": "/usr/bin:/bin", "POSTGRES_PASSWORD": "", **environment}, check=True
    )
    return (folder / "database-password").read_text()


def test_the_first_start_makes_a_password_and_keeps_it(tmp_path: Path) -> None:
    first = make_password(tmp_path)
    assert len(first) == 32
    assert make_password(tmp_path) == first
    (tmp_path / "other").mkdir()
    assert make_password(tmp_path / "other") != first


def test_a_database_of_0_1_0_keeps_its_password(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/PG_VERSION").write_text("15")
    assert make_password(tmp_path) == "palate"


@pytest.mark.parametrize("password", ["a@b:c/d?e#f%", 'it\'s "quoted" $HOME \\n', " spaces "])
def test_a_chosen_password_with_any_character_reaches_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    assert make_password(tmp_path, POSTGRES_PASSWORD=password) == password
    monkeypatch.setenv("PALATE_DATABASE_PASSWORD_FILE", str(tmp_path / "database-password"))
    monkeypatch.setenv("PALATE_DATABASE_URL", "postgresql://palate@database:5432/palate")
    address = parse_address(Settings(_env_file=None).database_url)
    assert isinstance(address, PostgresAddress)
    assert (address.user, address.password, address.database) == ("palate", password, "palate")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    if service["restart"] != "no":
        assert service["mem_limit"]
        assert service["stop_grace_period"]
