"""Addresses as users of libpq and SQLAlchemy write them; what cannot be is named in one line."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.address import PostgresAddress, SqliteAddress, parse_address
from app.settings import Settings

ROW = "ada", "secret", "shop", (("db.example.org", 5432),)


def postgres(url: str) -> PostgresAddress:
    address = parse_address(url)
    assert isinstance(address, PostgresAddress)
    return address


def parts(url: str) -> tuple[object, ...]:
    address = postgres(url)
    return address.user, address.password, address.database, address.hosts


@pytest.mark.parametrize(
    "scheme",
    [
        "postgres",
        "PostgreSQL",
        "postgresql",
        "postgresql+asyncpg",
        "postgresql+psycopg",
        "postgresql+psycopg2",
        "postgresql+pg8000",
    ],
)
def test_every_name_of_postgresql_is_taken(scheme: str) -> None:
    assert parts(f"{scheme}://ada:secret@db.example.org/shop") == ROW


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://h1:1,h2:2/d", (("h1", 1), ("h2", 2))),
        ("postgresql://h1,h2/d", (("h1", 5432), ("h2", 5432))),
        ("postgresql://u@/d?host=h1:1&host=h2:2", (("h1", 1), ("h2", 2))),
        ("postgresql://u@/d?host=h1,h2&port=1,2", (("h1", 1), ("h2", 2))),
        ("postgresql://u@/d?host=h1,h2&port=7", (("h1", 7), ("h2", 7))),
        ("postgresql://[::1]:7,[fe80::1]/d", (("::1", 7), ("fe80::1", 5432))),
        ("postgresql://%2Frun%2Fpostgresql:7/d", (("/run/postgresql", 7),)),
        ("postgresql:///d?host=/run/postgresql", (("/run/postgresql", 5432),)),
        ("postgresql:///d?host=::1", (("::1", 5432),)),
        ("postgresql:///d", ()),
        ("postgresql://", ()),
    ],
)
def test_hosts_are_read_as_libpq_reads_them(url: str, hosts: tuple[object, ...]) -> None:
    assert postgres(url).hosts == hosts


def test_a_port_that_is_left_out_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "7")
    assert postgres("postgresql://h1,h2:2/d").hosts == (("h1", 7), ("h2", 2))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1, alphabet="aB9@:/?#%& "))
def test_any_password_can_be_percent_encoded(password: str, user: str) -> None:
    url = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@db.example.org/shop?application_name=a@b"
    assert parts(url) == (user, password, *ROW[2:])


@pytest.mark.parametrize("password", ["p@ss", "a/b", "a?b", "a#b", "100%", "a b", "12/b", "@", "a:b@c", "p@ss:/#%$ w"])
@pytest.mark.parametrize("query", ["", "?application_name=a@b"])
def test_a_password_may_stand_as_it_is_where_it_is_clear(password: str, query: str) -> None:
    assert parts(f"postgresql://ada:{password}@db.example.org/shop{query}") == ("ada", password, *ROW[2:])


def test_a_service_says_what_the_address_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "services"
    path.write_text(
        "# ours\n[palate]\nhost=db.example\nport=5433\ndbname=ratings\nuser=ada\npassword=50%off\nsslmode=require\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(path))
    address = postgres("postgresql://?service=palate")
    assert (address.user, address.password, address.database) == ("ada", "50%off", "ratings")
    assert (address.hosts, address.dsn) == ((("db.example", 5433),), "postgresql:///?sslmode=require")
    monkeypatch.setenv("PGSERVICE", "palate")
    own = postgres("postgresql://bob@other.example/shop?sslmode=disable")
    assert (own.user, own.password, own.database) == ("bob", "50%off", "shop")
    assert (own.hosts, own.dsn) == ((("other.example", 5432),), "postgresql:///?sslmode=disable")


def test_a_service_that_is_not_there_or_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "services"
    monkeypatch.setenv("PGSERVICEFILE", str(path))
    for content, said in (
        ("", "no service `palate` in"),
        ("host=a\n", "cannot be read"),
        ("[palate]\nldap://x\n", "cannot be read"),
        ("[palate]\nhostaddr=10.0.0.1\n", "write the address where the host stands"),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=said):
            parse_address("postgresql://localhost/palate?service=palate")


def test_the_variables_of_libpq_say_what_the_address_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", "shop")
    assert postgres("postgresql://").database == "shop"
    assert postgres("postgresql:///other").database == "other"
    monkeypatch.setenv("PGPORT", "abc")
    with pytest.raises(ValueError, match="the port `abc` is not a number"):
        parse_address("postgresql://")


def test_an_at_sign_in_a_parameter_is_none_of_the_password() -> None:
    assert parts("postgresql://db.example.org:7/shop?user=a@b") == ("a@b", None, "shop", (("db.example.org", 7),))


def test_a_plus_in_a_parameter_is_a_plus() -> None:
    assert postgres("postgresql://h/d?application_name=a+b").parameters["application_name"] == "a+b"


@pytest.mark.parametrize(
    ("query", "is_pooled"),
    [
        ("", False),
        ("?pgbouncer=true", True),
        ("?pgbouncer=false", False),
        ("?prepared_statement_cache_size=0", True),
        ("?statement_cache_size=0", True),
        ("?prepared_statement_cache_size=100", False),
        ("?prepareThreshold=0", True),
    ],
)
def test_a_pooler_is_named_in_any_of_its_ways(query: str, is_pooled: bool) -> None:
    assert postgres(f"postgresql://h/d{query}").is_pooled == is_pooled


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "must start with postgresql:// or sqlite:///"),
        ("mysql://h/d", "must start with postgresql:// or sqlite:///"),
        ("host=h dbname=d", "instead of `name=value` words"),
        ("postgresql+ingres://h/d", "the driver `ingres` is not known: write postgresql://"),
        ("postgresql://h:port/d", "the port `port` is not a number"),
        ("postgresql://h:70000/d", "the port `70000` is not a number from 1 to 65535"),
        ("postgresql://u:p@h1,h2/d?port=1,2,3", "there are 2 hosts and 3 ports"),
        ("postgresql://h/d/e", "cannot be read"),
        ("postgresql://h/d?sslmode=perhaps", "`sslmode` must be one of disable, allow, prefer, require, verify-ca"),
        ("postgresql://h/d?sslrootcert=/none", "`sslrootcert` names /none: there is no such file"),
        ("postgresql://h/d?connect_timeout=soon", "`connect_timeout` must be a whole number"),
        ("postgresql://h/d?target_session_attrs=standby", "`target_session_attrs` must be one of any, read-write"),
        ("postgresql://h/d?keepalives=maybe", "`keepalives` must be true or false"),
        ("postgresql://h/d?channel_binding=require", "let sslmode=verify-full prove the server"),
        ("postgresql://h/d?client_encoding=latin1", "leave it out"),
        ("postgresql://h/d?schema=s", "write options=-csearch_path%3DNAME instead"),
        ("postgresql://h/d?pool_size=5", "PALATE_DATABASE_POOL_SIZE"),
        ("postgresql://h/d?surprise=1", "`surprise=1` cannot be: leave it out"),
        ("sqlite:///", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite://palate.db", "four slashes before an absolute path"),
        ("sqlite:///palate.db?mode=ro", "leave out `?mode=ro`"),
    ],
)
def test_what_cannot_be_is_named(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refused:
        parse_address(url)
    assert said in str(refused.value)
    with pytest.raises(ValueError, match="database_url"):
        Settings(_env_file=None, database_url=url)


@pytest.mark.parametrize(
    "query",
    [
        "client_encoding=utf8",
        "channel_binding=prefer",
        "gssencmode=disable",
        "sslsni=1",
        "keepalives=0",
        "sslmode=allow",
    ],
)
def test_what_changes_nothing_is_taken(query: str) -> None:
    assert parts(f"postgresql://ada:secret@db.example.org/shop?{query}") == ROW


@given(st.text(), st.text(), st.text())
def test_no_message_holds_a_password(user: str, password: str, rest: str) -> None:
    try:
        parse_address(f"postgresql://{user}:<<{password}>>@host/{rest}/x")
    except ValueError as error:
        assert "<<" not in str(error)  # noqa: PT017 - most of these can be read


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/palate.db", "var/palate.db"),
        ("sqlite:////var/palate.db", "/var/palate.db"),
        ("sqlite+aiosqlite:///var/palate.db", "var/palate.db"),
        ("sqlite+pysqlite:///var/pal ate#1.db\n", "var/pal ate#1.db"),
    ],
)
def test_a_file_of_sqlite_is_taken(url: str, path: str) -> None:
    assert parse_address(url) == SqliteAddress(path=Path(path))
