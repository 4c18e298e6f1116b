"""The database's address, as users of libpq and of SQLAlchemy write it.

What asyncpg reads of it by itself (TLS, the password file, most `PG*` variables) is left to asyncpg. Here
is what it takes otherwise than libpq does, or not at all, so that it is either done or refused in one line.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser
from configparser import Error as NotReadable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote, urlencode

FORM = "postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH"
POSTGRES_DRIVERS = {"asyncpg", "psycopg", "psycopg_async", "psycopg2", "psycopg2cffi", "pg8000"}
SQLITE_DRIVERS = {"aiosqlite", "pysqlite"}
SCHEME = re.compile(r"(?P<database>(?i:postgres(?:ql)?|sqlite))(?:\+(?P<driver>\w+))?://(?P<rest>.*)", re.DOTALL)
KEYWORDS = re.compile(r"\s*(host|hostaddr|port|dbname|user|password|service)\s*=")

HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^@/?#:,\[\]\s]*)(?::{port})?"
PAIR = r"[\w.-]+=[^&]*"
PLACE = (
    r"(?:(?P<user>[^:/?#]*)(?::(?P<password>{password}))?@)?(?P<hosts>{host}(?:,{host})*)"
    rf"(?:/(?P<database>[^/?#@]*))?(?:\?(?P<query>(?:{PAIR}(?:&{PAIR})*)?))?"
)
PLAIN, RAW = r"[^@/?#]*", r".*?"  # a password that is percent-encoded, and one that is not


def place_pattern(password: str, port: str = r"\d*") -> re.Pattern[str]:
    """Return what reads all that follows `postgresql://`."""
    return re.compile(PLACE.format(password=password, host=HOST.format(port=port)), re.DOTALL)


PLACES = (place_pattern(PLAIN), place_pattern(RAW))
ANY_PORT = place_pattern(PLAIN, r"[^@/?#:,]*")

ASYNCPG_READS = {
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("krbsrvname", "gsslib", "passfile"),
}
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
READ_HERE = {
    *("host", "port", "dbname", "user", "password", "connect_timeout", "application_name", "fallback_application_name"),
    *("options", "load_balance_hosts", "pgbouncer", "service"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
}
OTHER_NAMES = {  # of SQLAlchemy, asyncpg and JDBC
    "database": "dbname",
    "timeout": "connect_timeout",
    "ssl": "sslmode",
    "ApplicationName": "application_name",
    "prepared_statement_cache_size": "pgbouncer",
    "statement_cache_size": "pgbouncer",
    "prepareThreshold": "pgbouncer",
}
WITHOUT_EFFECT = {  # values that change nothing here
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("utf8", "UTF8", "utf-8", "UTF-8", "auto"),
    "gssencmode": ("disable", "prefer"),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
INSTEAD = {
    "channel_binding": "the driver cannot bind channels: leave it out, and let sslmode=verify-full prove the server",
    "client_encoding": "the driver speaks UTF-8 only: leave it out",
    "connection_limit": "set PALATE_DATABASE_POOL_SIZE instead",
    "gssencmode": "the driver cannot encrypt by GSSAPI: leave it out, and set sslmode=require",
    "hostaddr": "write the address where the host stands",
    "pool_max_conns": "set PALATE_DATABASE_POOL_SIZE instead",
    "pool_size": "set PALATE_DATABASE_POOL_SIZE instead",
    "replication": "Palate needs an ordinary connection: leave it out",
    "schema": "write options=-csearch_path%3DNAME instead",
}
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True, kw_only=True)
class SqliteAddress:
    """A file."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class PostgresAddress:
    """A PostgreSQL database. What is None is for asyncpg to find: in `PG*` variables, in files, among its defaults."""

    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    hosts: tuple[tuple[str, int], ...]  # tried in turn; none: asyncpg's
    dsn: str = field(repr=False)  # the parameters that asyncpg reads
    parameters: Mapping[str, str] = field(repr=False)  # those that are read here
    is_pooled: bool  # each transaction may meet another connection of the server


def parse_address(url: str) -> SqliteAddress | PostgresAddress:
    """Read an address.

    Raises:
        ValueError: naming the part that cannot be, and what to write instead. The text holds no password.
    """
    if KEYWORDS.match(url):
        raise ValueError(f"write {FORM} instead of `name=value` words")
    scheme = SCHEME.fullmatch(url.strip())
    if scheme is None:
        raise ValueError(f"must start with postgresql:// or sqlite:///: write {FORM}")
    is_sqlite = scheme["database"].lower() == "sqlite"
    drivers = SQLITE_DRIVERS if is_sqlite else POSTGRES_DRIVERS
    if scheme["driver"] and scheme["driver"] not in drivers:
        raise ValueError(f"the driver `{scheme['driver']}` is not known: write {scheme['database']}://")
    return parse_sqlite(scheme["rest"]) if is_sqlite else parse_postgres(scheme["rest"])


def add_password(url: str, password: str) -> str:
    """Add a password to PostgreSQL's address; SQLite has none."""
    is_sqlite = url.strip().lower().startswith("sqlite")
    return url if is_sqlite else f"{url}{'&' if '?' in url else '?'}password={quote(password, safe='')}"


def parse_sqlite(rest: str) -> SqliteAddress:
    """Read what follows `sqlite://`."""
    path, _, query = rest.partition("?")
    if path.startswith("/~") or "$" in path:
        raise ValueError(
            f"`{path[1:]}` is taken as it is, without a shell: write the whole path, as in sqlite:////var/x.db"
        )
    if query:
        raise ValueError(f"a file of SQLite takes no parameters: leave out `?{query}`")
    if not path.startswith("/"):
        raise ValueError("must start with sqlite:/// (four slashes before an absolute path)")
    if path in {"/", "/:memory:"}:
        raise ValueError("each process would have a memory of its own: name a file, as in sqlite:///var/palate.db")
    return SqliteAddress(path=Path(unquote(path[1:])))


def parse_postgres(rest: str) -> PostgresAddress:
    """Read what follows `postgresql://`. A password may hold any character, encoded or not, wherever that is clear."""
    place = next(filter(None, (pattern.fullmatch(rest) for pattern in PLACES)), None)
    if place is None:
        refuse_place(rest)
    given = read_query(place["query"] or "")
    named = {"user": place["user"], "password": place["password"], "dbname": place["database"]}
    named = {name: unquote(value) for name, value in named.items() if value}
    service = read_service(given.get("service") or os.environ.get("PGSERVICE"))
    if hosts := given.get("host") or place["hosts"]:
        service.pop("port", None)  # it belongs to the service's host
    query = service | named | given
    return PostgresAddress(
        user=query.get("user") or None,
        password=query.get("password") or None,
        database=query.get("dbname") or os.environ.get("PGDATABASE") or None,
        hosts=read_hosts(hosts or query.get("host", ""), query.get("port")),
        dsn="postgresql:///?" + urlencode({n: v for n, v in query.items() if n in ASYNCPG_READS}, quote_via=quote),
        parameters={name: value for name, value in query.items() if name in READ_HERE},
        is_pooled=is_true("pgbouncer", query.get("pgbouncer", "false")),
    )


def refuse_place(rest: str) -> NoReturn:
    """Name what is wrong with an address that cannot be read."""
    if place := ANY_PORT.fullmatch(rest):
        ports = re.findall(r":([^,:\]]*)(?:,|$)", place["hosts"])
        wrong = next((port for port in ports if not port.isdigit()), "")
        raise ValueError(f"the port `{wrong}` is not a number")
    raise ValueError(
        f"cannot be read: write {FORM}, with %40 for @, %2F for /, %3F for ? and %23 for # in the password"
    )


def read_query(query: str) -> dict[str, str]:
    """Read the parameters as libpq does: `+` is a plus."""
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    return read_parameters((name, unquote(value)) for name, value in pairs)


def read_service(name: str | None) -> dict[str, str]:
    """Read the parameters of a service from the first service file that has it, as libpq does.

    Raises:
        ValueError: if there is none.
    """
    if not name:
        return {}
    own = os.environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf"
    files = [Path(own), *(Path(folder, "pg_service.conf") for folder in filter(None, [os.environ.get("PGSYSCONFDIR")]))]
    for path in files:
        parser = ConfigParser(interpolation=None, delimiters="=", comment_prefixes="#", strict=False)
        try:
            parser.read(path)
        except (NotReadable, UnicodeDecodeError) as error:
            raise ValueError(f"the service file {path} cannot be read: {str(error).splitlines()[0]}") from None
        if parser.has_section(name):
            return read_parameters(parser.items(name))
    raise ValueError(f"there is no service `{name}` in {' or '.join(map(str, files))}")


def read_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Check parameters. Of a name that repeats, the last counts, but hosts add up."""
    found: dict[str, str] = {}
    for their_name, their_value in pairs:
        name, value = OTHER_NAMES.get(their_name, their_name), read_value(their_name, their_value)
        found[name] = f"{found[name]},{value}" if name == "host" and name in found else value
    for name, value in found.items():
        check_parameter(name, value)
    if found.get("sslrootcert") == "system":
        found["sslrootcert"] = system_certificates()
        found.setdefault("sslmode", "verify-full")
    return {name: value for name, value in found.items() if name not in WITHOUT_EFFECT}


def read_value(name: str, value: str) -> str:
    """Turn the value of a parameter of SQLAlchemy, asyncpg or JDBC into what libpq's has."""
    if name == "ssl":
        return {"true": "require", "True": "require", "false": "disable", "False": "disable"}.get(value, value)
    if OTHER_NAMES.get(name) == "pgbouncer":
        return "true" if value == "0" else "false"
    return value


def check_parameter(name: str, value: str) -> None:
    """Refuse a parameter that cannot be honoured."""
    if value in WITHOUT_EFFECT.get(name, ()):
        return
    if name not in ASYNCPG_READS | READ_HERE:
        instead = INSTEAD.get(name, "leave it out (a setting of the server goes into options=-cNAME%3DVALUE)")
        raise ValueError(f"the parameter `{name}={value}` cannot be: {instead}")
    if check := CHECKS.get(name):
        check(name, value)


def check_whole(name: str, value: str) -> None:
    """Refuse what is no whole number."""
    if not value.isdigit():
        raise ValueError(f"the parameter `{name}` must be a whole number, not {value!r}")


def check_file(name: str, value: str) -> None:
    """Refuse a file that is not there, before a connection fails for it."""
    if value != "system" and not Path(value).is_file():
        raise ValueError(f"the parameter `{name}` names {value}: there is no such file")


def one_of(*values: str) -> Callable[[str, str], None]:
    """Return a check that a value is one of a few."""

    def check(name: str, value: str) -> None:
        if value not in values:
            raise ValueError(f"the parameter `{name}` must be one of {', '.join(values)}, not {value!r}")

    return check


def is_true(name: str, value: str) -> bool:
    """Read yes or no."""
    if value not in YES | NO:
        raise ValueError(f"the parameter `{name}` must be true or false, not {value!r}")
    return value in YES


CHECKS: dict[str, Callable[[str, str], object]] = {
    **dict.fromkeys(FILES, check_file),
    **dict.fromkeys(("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count"), check_whole),
    "tcp_user_timeout": check_whole,
    "keepalives": is_true,
    "pgbouncer": is_true,
    "load_balance_hosts": one_of("disable", "random"),
    "sslmode": one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": one_of("any", "read-write", "primary"),  # Palate writes
}


def system_certificates() -> str:
    """Return the file of the certificates that the system trusts."""
    import ssl  # here, since a command on SQLite imports this module too

    if cafile := ssl.get_default_verify_paths().cafile:
        return cafile
    raise ValueError("sslrootcert=system: this system has no file of trusted certificates; name one")


def read_hosts(text: str, port: str | None) -> tuple[tuple[str, int], ...]:
    """Read `host:port,host:port`; a host that starts with a slash is the folder of a socket."""
    if not text and (own := os.environ.get("PGPORT")):
        whole_port(own)
    hosts = [split_port(host) for host in text.split(",")] if text else []
    ports = (port or "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts) and hosts:
        raise ValueError(f"there are {len(hosts)} hosts and {len(ports)} ports: name one port, or one for each host")
    return tuple(
        (host, whole_port(own or given or os.environ.get("PGPORT", "5432")))
        for (host, own), given in zip(hosts, ports, strict=False)
    )


def split_port(host: str) -> tuple[str, str]:
    """Split the port from a host, which may be an IPv6 address in brackets."""
    if host.startswith("/") or (host.count(":") > 1 and "[" not in host):
        return host, ""
    name, _, port = host.removeprefix("[").partition("]:" if host.startswith("[") else ":")
    return unquote(name).rstrip("]") or "localhost", port


def whole_port(text: str) -> int:
    """Read a port."""
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise ValueError(f"the port `{text}` is not a number from 1 to 65535")
    return int(text)
