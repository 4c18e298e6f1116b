"""What is tried again, what is not, and what is raised in the end, against a real server that fails on purpose."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate_client import (
    ApiError,
    AsyncClient,
    Client,
    Invalid,
    Retry,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from tests.clients.conftest import Caller
from tests.clients.flaky import HANG_UP, Answer, Flaky, flaky

Kind = type[Client | AsyncClient]
LIVE = Answer(200, b'{"status": "ok"}')
WRITTEN = Answer(200, b'{"revision": 1, "counts": {"created": 1}, "results": []}')
BUSY = Answer(503, b'{"type": "/problems/database-unavailable", "title": "t", "status": 503, "detail": "d"}')
RATINGS = [{"user_id": "ada", "item_id": "alien-1979", "value": 5}]


def caller(kind: Kind, server: Flaky, **options: object) -> Caller:
    return Caller(kind, server.url, **options)


@pytest.mark.parametrize(
    "failure",
    [BUSY, Answer(502), Answer(504), Answer(429), HANG_UP],
    ids=["503", "502", "504", "429", "hung up"],
)
def test_a_repeatable_call_is_tried_again(kind: Kind, failure: object) -> None:
    with flaky(failure, failure, WRITTEN) as server:
        assert caller(kind, server)("rate_many", RATINGS).counts.created == 1
    assert len(server.seen) == 3
    assert {(each.method, each.path) for each in server.seen} == {("POST", "/v1/ratings")}
    assert len({(each.body, each.headers["x-request-id"]) for each in server.seen}) == 1


@pytest.mark.parametrize("method", ["activate", "stop_experiment"])
@pytest.mark.parametrize("failure", [BUSY, HANG_UP], ids=["503", "hung up"])
def test_a_call_that_may_have_been_done_is_not_sent_again(kind: Kind, method: str, failure: object) -> None:
    with flaky(failure) as server, pytest.raises((Unavailable, Unreachable)):
        caller(kind, server)(method, "x")
    assert len(server.seen) == 1


@pytest.mark.parametrize("method", ["start_run", "erase"])
@pytest.mark.parametrize("failure", [BUSY, HANG_UP], ids=["503", "hung up"])
def test_a_call_that_creates_is_tried_again_under_one_key(kind: Kind, method: str, failure: object) -> None:
    with flaky(failure, Answer(422)) as server:
        for _ in range(2):
            with pytest.raises(Invalid):
                caller(kind, server)(method, *["x"][: method != "start_run"])
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert keys[0] == keys[1] != keys[2]


def test_a_call_refused_with_429_is_sent_again_even_if_not_repeatable(kind: Kind) -> None:
    with flaky(Answer(429), Answer(422)) as server, pytest.raises(Invalid):
        caller(kind, server)("activate", "x")
    assert len(server.seen) == 2


def test_other_errors_are_not_tried_again(kind: Kind) -> None:
    with flaky(Answer(500)) as server, pytest.raises(ApiError):
        caller(kind, server)("live")
    assert len(server.seen) == 1


def test_it_gives_up_after_so_many_tries(kind: Kind) -> None:
    with flaky(BUSY) as server, pytest.raises(Unavailable) as raised:
        caller(kind, server, retry=Retry(tries=3, first_s=0.01))("live")
    assert len(server.seen) == 3
    assert raised.value.code == "database-unavailable"
    assert raised.value.request_id == server.seen[0].headers["x-request-id"]


@pytest.mark.parametrize("retry_after", [lambda: "1", lambda: http_date(timedelta(seconds=3))], ids=["seconds", "date"])
def test_it_waits_as_long_as_the_server_says(kind: Kind, retry_after: Callable[[], str]) -> None:
    with flaky(Answer(503, headers={"Retry-After": retry_after()}), LIVE) as server:
        assert caller(kind, server)("live").status == "ok"
    first, second = server.seen
    assert second.at_s - first.at_s >= 0.9


def test_a_long_retry_after_raises_at_once(kind: Kind) -> None:
    with flaky(Answer(429, headers={"Retry-After": "3600"})) as server, pytest.raises(TooManyRequests) as raised:
        caller(kind, server)("live")
    assert len(server.seen) == 1
    assert raised.value.retry_after_s == 3600


def http_date(later: timedelta) -> str:
    """Write a time from now as HTTP does, which has whole seconds."""
    return format_datetime(datetime.now(UTC) + later, usegmt=True)


def test_a_call_to_a_silent_server_times_out_and_is_tried_again(kind: Kind) -> None:
    with flaky(Answer(200, delay_s=1), LIVE) as server:
        assert caller(kind, server, timeout_s=0.2)("live").status == "ok"
    assert len(server.seen) == 2


def test_no_server_raises_unreachable(kind: Kind) -> None:
    with flaky() as server:
        url = server.url
    with pytest.raises(Unreachable, match=r"GET http://127\.0\.0\.1:\d+/health/live: ") as raised:
        Caller(kind, url)("live")
    assert isinstance(raised.value.__cause__, httpx2.ConnectError)


def test_the_error_of_a_proxy_is_raised_with_its_text(kind: Kind) -> None:
    with (
        flaky(Answer(413, b"<h1>too large</h1>")) as server,
        pytest.raises(ApiError, match="<h1>too large</h1>") as raised,
    ):
        caller(kind, server)("live")
    assert (raised.value.status, raised.value.errors) == (413, [])


@pytest.mark.parametrize("body", [b"<h1>hello</h1>", b'{"state": "ok"}', b""])
def test_the_answer_of_another_service_raises_unexpected_answer(kind: Kind, body: bytes) -> None:
    with flaky(Answer(200, body)) as server, pytest.raises(UnexpectedAnswer):
        caller(kind, server)("user", "ada")


EPOCH = b"""event: epoch
id: 1-running
data: {"epoch": 1, "stage": "fit", "loss": null, "metrics": {}, "seconds": 1, "recorded_at": "2026-01-01T00:00:00Z"}

"""


def test_a_run_is_followed_across_broken_connections(kind: Kind) -> None:
    stream = {"Content-Type": "text/event-stream"}
    broken = Answer(200, EPOCH, {**stream, "Content-Length": str(len(EPOCH) + 100)})
    with flaky(broken, HANG_UP, BUSY, Answer(200, EPOCH, stream), Answer(404)) as server:
        call = caller(kind, server)
        with pytest.raises(ApiError, match="404"):
            call("run_events", 1)
    assert [each.headers.get("last-event-id") for each in server.seen] == [None, *["1-running"] * 4]


@given(st.integers(1, 20), st.floats(0.001, 10), st.floats(0.001, 100))
def test_the_wait_grows_to_a_bound(num_tries: int, first_s: float, longest_s: float) -> None:
    retry = Retry(tries=21, first_s=first_s, longest_s=longest_s)
    pause_s = retry.pause_s(num_tries, httpx2.Response(503), is_repeatable=True)
    assert pause_s is not None
    assert 0 <= pause_s <= min(first_s * 2 ** (num_tries - 1), longest_s)
