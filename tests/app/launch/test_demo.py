"""The calls that `palate up` shows."""

import io

import pytest
from rich.console import Console

from app.launch.demo import CALLS, base_url, on_scale, show, wait_until_ready
from app.settings import Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_address_is_one_that_can_be_called_from_here(host: str, url: str) -> None:
    assert base_url(Settings(_env_file=None, host=host)) == url


def test_the_ratings_are_on_the_scale_that_is_set() -> None:
    assert on_scale(Settings(_env_file=None), CALLS[0].body) == CALLS[0].body
    ten = on_scale(Settings(_env_file=None, rating_max=10), CALLS[0].body)
    assert [rating["value"] for rating in ten["ratings"]] == [10, 10]
    assert on_scale(Settings(_env_file=None), None) is None


def test_a_server_that_is_not_there_is_waited_for_in_vain() -> None:
    settings, written = Settings(_env_file=None, port=1), io.StringIO()
    assert not wait_until_ready(settings, 0.1, lambda: None)
    show(settings, Console(file=written))
    assert written.getvalue().count("curl") == len(CALLS)
