"""HEAD is GET without the body, on every route that has a GET."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings

PARTS = {"kind": "ratings", "run_id": "1", "number": "1"}  # of paths; others may be anything


def test_every_get_answers_head_with_the_same_status_and_headers(plain: TestClient) -> None:
    document = create_app(Settings(_env_file=None)).openapi()
    paths = [path for path, methods in document["paths"].items() if "get" in methods]
    assert len(paths) > 20
    for template in (*paths, "/", "/docs", "/console/main.js", "/nowhere"):
        path = re.sub(r"{(\w+)}", lambda name: PARTS.get(name[1], "a"), template)
        head, get = plain.head(path), plain.get(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        for name in ("content-type", "content-length", "vary", "etag", "retry-after"):
            if path != "/metrics":
                assert head.headers.get(name) == get.headers.get(name), path
    assert not any("head" in methods for methods in document["paths"].values())


def test_head_is_counted_and_logged_as_head(plain: TestClient) -> None:
    plain.head("/v1/items/nothing")
    assert (
        'palate_requests_total{method="HEAD",route="/v1/items/{item_id}",status="404"} 1.0'
        in plain.get("/metrics").text
    )


def test_head_of_a_stream_ends_before_it_begins(migrated_file: Path) -> None:
    app = create_app(Settings(_env_file=None, database_url=f"sqlite:///{migrated_file}"))
    began = []

    @app.get("/v1/endless")
    async def endless() -> StreamingResponse:
        async def rows() -> AsyncIterator[bytes]:
            began.append(True)
            while True:
                yield b"row"

        return StreamingResponse(rows(), headers={"X-Rows": "many"})

    with TestClient(app, base_url="http://localhost") as client:
        answer = client.head("/v1/endless")
    assert (answer.status_code, answer.headers["x-rows"], answer.content) == (200, "many", b"")
    assert not began


def test_a_wrong_method_is_told_that_head_will_do(plain: TestClient) -> None:
    assert plain.delete("/health/live").headers["allow"] == "GET, HEAD"
    assert plain.head("/v1/recommendations").status_code == plain.get("/v1/recommendations").status_code == 405


def test_head_needs_the_key_that_get_needs(plain: TestClient) -> None:
    answer = plain.head("/v1/items", headers={"X-API-Key": "palate_unknown"})
    assert answer.status_code == plain.get("/v1/items", headers={"X-API-Key": "palate_unknown"}).status_code
