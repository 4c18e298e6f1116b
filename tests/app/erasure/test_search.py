"""After an erasure the user's id is nowhere: in no table, no file of the model store, no log, no export."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from sqlalchemy import inspect, select, table, text
from sqlalchemy.orm import Session

from app.settings import Settings
from tests.app.erasure.conftest import ADA, ADA_URL
from tests.app.training.conftest import Instance
from tests.openapi_examples import Text, examples
from tests.processes import palate, run, server, wait_until
from tests.test_flow import ITEMS, camp_ratings

TELLTALE = "lovelace"  # stands in the ids however they are quoted
GUEST_URL = "/v1/users/guest-of-lovelace"


def found_in_database(session: Session) -> set[str]:
    """Search every column of every row of every table."""
    connection = session.connection()
    return {
        f"{name}.{column}"
        for name in inspect(connection).get_table_names()
        for row in connection.execute(select(text("*")).select_from(table(name))).mappings()
        for column, value in row.items()
        if TELLTALE in json.dumps(value, default=str, ensure_ascii=False).lower()
    }


def found_in_files(folder: Path) -> list[str]:
    """Search the bytes of every file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if TELLTALE.encode() in path.read_bytes().lower()]


def use(client: httpx2.Client) -> None:
    """Make every call of the documentation with this user instead of ada, and some mistakes."""
    for example in examples(client.get("/openapi.json").json()):
        if example.method != "delete" and "training" not in example.path:
            url = re.sub("/v1/users/ada(?![^/?])", ADA_URL, example.url)
            answer = client.request(example.method, url, **with_user(example.body))
            assert answer.is_success, (url, example.body, answer.text)
    assert client.post(f"{GUEST_URL}/merge", json={"from_user_id": ADA}).is_success
    shown = client.get(f"{ADA_URL}/recommendations").json()["recommendation_id"]
    assert client.post("/v1/events", json={"recommendation_id": shown, "type": "impression"}).is_success
    rows = [{"user_id": ADA, "item_id": item, "value": 5} for item in ITEMS[:8:2]]
    assert client.post("/v1/ratings", json=rows).is_success
    assert client.delete(f"{ADA_URL}/ratings/{quote(ITEMS[0], safe='')}").is_success
    assert client.put(f"{ADA_URL}/ratings/x", json={"value": 99}).status_code == 422
    assert client.post("/v1/ratings", json={"user_id": ADA + "\x00", "item_id": "x", "value": 5}).status_code == 422
    assert client.get(f"{ADA_URL}/no-such-thing").status_code == 404
    assert client.get(f"{ADA_URL}/ratings?cursor={ADA}").status_code == 422


def with_user(body: Any) -> dict[str, Any]:
    """Return what to send for an example's body, with this user instead of ada."""
    if isinstance(body, Text):
        text = body.text.replace('"ada"', json.dumps(ADA)).replace("\nada,", f'\n"{ADA}",')
        return {"content": text.encode(), "headers": {"Content-Type": body.media_type}}
    return {"json": json.loads(json.dumps(body).replace('"ada"', json.dumps(ADA)))}


def train(client: httpx2.Client, kind: str) -> None:
    run = client.post("/v1/training-runs", json={"kind": kind, "epochs": 2}).headers["location"]
    wait_until(lambda: client.get(run).json()["finished_at"] is not None, "the run ends")
    assert client.get(run).json()["state"] == "succeeded"


def export(settings: Settings, path: Path) -> str:
    assert run(settings, "export", "ratings", str(path)).returncode == 0
    return path.read_text()


def test_the_id_of_an_erased_user_is_nowhere(settings: Settings, tmp_path: Path, empty: Instance) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with (
        server(settings, logs / "server.log", PALATE_KEEP_OUT="a secret of some length") as client,
        palate("worker", settings, logs / "worker.log", PALATE_TRAIN_INTERVAL="3600"),
    ):
        assert client.post("/v1/ratings", json=camp_ratings(0, 40)).is_success
        use(client)
        for kind in ("linear", "denoising"):
            train(client, kind)
        assert empty.read(found_in_database) == {"users.external_id"}
        assert TELLTALE in export(settings, tmp_path / "before.csv")
        assert found_in_files(settings.model_store) == []

        receipts: list[dict[str, Any]] = [client.delete(url).raise_for_status().json() for url in (ADA_URL, GUEST_URL)]

        assert receipts[0]["versions"]
        assert empty.read(found_in_database) == set()
        assert client.delete(ADA_URL).status_code == 404
        assert client.get(f"{ADA_URL}/recommendations").json()["reason"] == "unknown_user"
        train(client, "denoising")
        assert client.get(f"/v1/erasures/{receipts[0]['erasure_id']}").is_success
    assert empty.read(found_in_database) == set()
    assert found_in_files(settings.model_store) == []
    assert found_in_files(logs) == []
    assert TELLTALE not in export(settings, tmp_path / "after.csv")
    if settings.database_url.startswith("sqlite"):
        assert [name for name in found_in_files(tmp_path) if name.startswith("palate.db")] == []
