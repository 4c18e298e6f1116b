"""A real nginx, which shows servers below paths."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.pooler import free_port, listens
from tests.processes import wait_until

MISSING = "There is no nginx: install one, e.g. with `apt-get install nginx`."
CONFIG = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
{upstream}
    server {{
        listen 127.0.0.1:{port};
{locations}
    }}
}}
"""


def find_nginx() -> str | None:
    """Return the path of an installed nginx."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def nginx(locations: Mapping[str, str], folder: Path, upstream: str = "") -> Iterator[str]:
    """Run one with the directives of each location, and a group of servers behind it; gives its address."""
    port = free_port()
    blocks = "\n".join(f"        location {path} {{ {directives} }}" for path, directives in locations.items())
    (folder / "conf").write_text(CONFIG.format(folder=folder, port=port, locations=blocks, upstream=upstream))
    command = [find_nginx() or "nginx", "-p", str(folder), "-c", str(folder / "conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        wait_until(lambda: listens(port), "nginx listens", 20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
