"""Bodies that are sent compressed, both ways."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.web.compression import takes_gzip
from app.web.compression import unpack as unpack_body

ROWS = [{"user_id": "ada", "item_id": f"item {number}", "value": 4} for number in range(200)]
BODY = json.dumps(ROWS).encode()
LIMIT = 100_000


@pytest.fixture
def client(open_app: Callable[..., TestClient]) -> TestClient:
    """A client of an app that takes small bodies."""
    return open_app(max_body_bytes=LIMIT)


def post(client: TestClient, body: bytes, encoding: str) -> Any:
    return client.post("/v1/ratings", content=body, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("gzip", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
        ("identity", BODY),
    ],
    ids=["gzip", "capitals", "x-gzip", "deflate", "two members", "identity"],
)
def test_a_packed_request_is_taken_as_if_it_were_not(client: TestClient, encoding: str, body: bytes) -> None:
    assert post(client, body, encoding).json()["counts"]["created"] == len(ROWS)


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip, gzip", "perhaps"])
def test_another_encoding_is_refused_with_those_that_are_taken(client: TestClient, encoding: str) -> None:
    answer = post(client, BODY, encoding)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/encoding-unsupported")
    assert answer.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("body", [BODY, gzip.compress(BODY)[:-5], gzip.compress(BODY)[:50], b"\x1f\x8b"], ids=range(4))
def test_what_is_not_what_its_header_says_is_refused(client: TestClient, body: bytes) -> None:
    answer = post(client, body, "gzip")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
    assert "Content-Encoding" in answer.json()["errors"][0]["detail"]


def test_the_limit_holds_for_what_comes_out(client: TestClient) -> None:
    fits = b" " * (LIMIT - len(BODY)) + BODY
    assert post(client, gzip.compress(fits), "gzip").status_code == 200
    answer = post(client, gzip.compress(b" " + fits), "gzip")
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")
    assert "counted uncompressed" in answer.json()["detail"]


def test_a_bomb_is_unpacked_little_by_little() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": gzip.compress(bytes(10_000_000)), "more_body": False}

    async def first() -> bytes:
        return await anext(unpack_body(receive))

    assert len(run(first())) == 65_536


@given(st.binary(max_size=300_000), st.integers(1, 5), st.booleans())
def test_whatever_was_packed_comes_out(content: bytes, num_parts: int, is_gzip: bool) -> None:
    packed = gzip.compress(content) if is_gzip else zlib.compress(content)
    size = -(-len(packed) // num_parts)
    parts = [packed[start : start + size] for start in range(0, len(packed), size)]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def whole() -> bytes:
        return b"".join([part async for part in unpack_body(receive)])

    assert run(whole()) == content


def run(work: Any) -> bytes:
    """Run a coroutine that waits for nothing."""
    with pytest.raises(StopIteration) as end:
        work.send(None)
    result: bytes = end.value.value
    return result


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/items?limit=1000", "/console/main.js"])
def test_a_large_answer_is_compressed_for_who_asks(client: TestClient, path: str) -> None:
    client.post("/v1/items", json=[{"item_id": f"item {number}", "title": "A title"} for number in range(100)])
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.content == plain.content
    is_large = len(plain.content) >= 4_096
    assert ("content-encoding" in packed.headers) == is_large
    assert "content-encoding" not in plain.headers
    assert packed.headers.get("vary") == plain.headers.get("vary") == ("Accept-Encoding" if is_large else None)
    if is_large:
        assert int(packed.headers["content-length"]) < len(plain.content) // 2


def test_a_small_answer_and_a_stream_are_sent_as_they_are(client: TestClient) -> None:
    client.post("/v1/ratings", content=BODY)
    for path in ("/health/live", "/v1/exports/ratings"):
        answer = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (b"gzip", True),
        (b"br;q=1.0, GZIP;q=0.5", True),
        (b"deflate, x-gzip", True),
        (b"gzip; q=0", False),
        (b"gzip;q=0.0, br", False),
        (b"br", False),
        (b"*", False),
        (b"", False),
    ],
)
def test_who_asks_for_gzip_is_known_by_the_header(accepted: bytes, expected: bool) -> None:
    assert takes_gzip(accepted) == expected
