"""How often one caller may call; the clock stands where a test puts it."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from app.web.callers.rates import MAX_CALLERS, Rates


def test_a_bucket_fills_evenly() -> None:
    rates = Rates(6)
    assert [rates.take("ada", 0.0).left for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    refused = rates.take("ada", 5.0)
    assert refused.wait_s == 6
    assert dict(refused.headers())[b"retry-after"] == b"6"
    assert rates.take("ada", 10.0).wait_s == 0
    assert rates.take("grace", 10.0).left == 5


def test_a_bucket_holds_a_minute_at_most() -> None:
    rates = Rates(6)
    rates.take("ada", 0.0)
    assert rates.take("ada", 10_000.0).left == 5


def test_callers_are_forgotten_whoever_has_been_away_longest_first() -> None:
    rates = Rates(2)
    for number in range(MAX_CALLERS + 1):
        rates.take(str(number), 0.0)
    assert rates.take("0", 0.0).left == 1
    assert rates.take(str(MAX_CALLERS), 0.0).left == 0


def test_calls_beyond_the_rate_are_refused_but_for_health(open_app: Callable[..., TestClient]) -> None:
    client = open_app(rate_limit=2)
    answers = [client.get("/v1/items") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"calls";q=2;w=60'
    assert answers[2].headers["Retry-After"] in {"30", "31"}
    assert answers[2].json()["type"] == "/problems/rate-exceeded"
    assert client.post("/v1/recommendations", json={"ratings": []}).status_code == 429
    assert client.get("/health/live").status_code == 200


def test_wrong_keys_are_refused_without_a_look_beyond_their_rate(open_app: Callable[..., TestClient]) -> None:
    client = open_app(host="0.0.0.0", refused_rate_limit=2)
    statuses = [client.get("/v1/items", headers={"X-API-Key": "wrong"}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
