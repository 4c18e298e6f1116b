"""PostgreSQL stands still, as on a paused machine: every route answers, and all is well when it goes on."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import prepare
from tests.frozen import OwnServer, ask_together, describe, own_server, settings_of
from tests.openapi_examples import one_each
from tests.processes import server, wait_until

GUARD_S = 10  # 2 on a machine that does nothing else: `python -m benchmarks.frozen`
NEED_NO_DATABASE = {"/health/live", "/metrics"}


@pytest.fixture
def own() -> Iterator[OwnServer]:
    """A server that may be stopped. Not below pytest's own folder, which other users cannot enter."""
    with tempfile.TemporaryDirectory(prefix="palate-frozen-") as folder:
        Path(folder).chmod(0o755)
        with own_server(Path(folder) / "data") as started:
            yield started


def test_every_route_answers_while_the_database_stands_still(own: OwnServer, tmp_path: Path) -> None:
    settings = settings_of(own.url, tmp_path)
    asyncio.run(prepare(settings))
    with server(settings, tmp_path / "server.log") as client:
        document = client.get("/openapi.json").json()
        examples = one_each(document)
        wait_until(lambda: client.get("/health/ready").status_code == 200, "it is ready")
        with own.stopped():
            for _ in range(2):
                asked = ask_together(str(client.base_url), examples, GUARD_S)
                print(describe(asked))  # noqa: T201
                answered = {each.example.path: each.status for each in asked if each.status != 503}
                assert answered == dict.fromkeys(NEED_NO_DATABASE, 200)
            assert client.get("/health/ready").json()["problem"] == "the database answers nothing"
            failures = [line for line in client.get("/metrics").text.splitlines() if "database-silent" in line]
            assert float(failures[0].split()[-1]) > len(examples) / 2
        wait_until(lambda: client.get("/health/ready").status_code == 200, "it is ready again")
        assert client.put("/v1/users/ada/ratings/alien", json={"value": 4}).status_code == 200
