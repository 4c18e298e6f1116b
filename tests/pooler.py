"""A real PgBouncer in transaction mode before the tests' PostgreSQL, which speaks TLS to its clients."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import make_url

from tests.processes import wait_until

USER, PASSWORD = "palate", "p@ss:/#%$ w"
MISSING = "There is no PgBouncer or openssl: install them, e.g. with `apt-get install pgbouncer openssl`."
CONFIG = """\
[databases]
* = {upstream}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
client_tls_sslmode = allow
client_tls_cert_file = {folder}/server.crt
client_tls_key_file = {folder}/server.key
logfile = {folder}/log
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Pooler(NamedTuple):
    """Where it is, and which certificates tell it from another."""

    port: int
    authority: Path
    stranger: Path

    def url(self, database: str, parameters: str = "pgbouncer=true", *, host: str = "127.0.0.1") -> str:
        """Return the address of a database behind it."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{host}:{self.port}/{database}?{parameters}"


def is_installed() -> bool:
    """Return whether there is a PgBouncer here, and what makes certificates."""
    return bool(shutil.which("pgbouncer") and shutil.which("openssl"))


@contextmanager
def pooler(database_url: str, folder: Path) -> Iterator[Pooler]:
    """Start one before a server; ``folder`` must be open to other users."""
    authority, stranger = make_certificates(folder)
    port = free_port()
    server = make_url(database_url)
    host = server.query.get("host") or server.host or "localhost"
    upstream = f"host={host} port={server.port or 5432} user={server.username or 'postgres'}"
    if server.password:
        upstream += f" password='{server.password}'"
    (folder / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
    (folder / "config").write_text(CONFIG.format(upstream=upstream, port=port, folder=folder))
    command = ["pgbouncer", "-q", str(folder / "config")]
    if os.geteuid() == 0:  # as whom it refuses to run
        command += ["-u", (user := ordinary_user())]
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), "PgBouncer listens", 20)
        yield Pooler(port, authority, stranger)
    finally:
        process.terminate()
        process.wait(20)


def ordinary_user() -> str:
    """Return the user of the PostgreSQL from a wheel, who alone may open its socket, or another that is not root."""
    return next((user.pw_name for user in pwd.getpwall() if user.pw_name == "pgserver"), "nobody")


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1, the authority's that signed it, and that of another authority."""
    for name in ("authority", "stranger"):
        openssl(folder, f"/CN={name}", name)
    signed = ("-CA", "authority.crt", "-CAkey", "authority.key")
    openssl(folder, "/CN=server", "server", *signed, "-addext", "subjectAltName=IP:127.0.0.1")
    return folder / "authority.crt", folder / "stranger.crt"


def openssl(folder: Path, subject: str, name: str, *options: str) -> None:
    """Make a key and a certificate."""
    command = ["openssl", "req", "-x509", *KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.crt"]
    subprocess.run([*command, *options], cwd=folder, check=True, capture_output=True)


def free_port() -> int:
    """Return a port that is free now."""
    with create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether something listens on a port."""
    try:
        create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
