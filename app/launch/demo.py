"""The calls that `palate up` shows: each is really made, and its real answer printed."""

import json
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from rich.console import Console

from app.settings import Settings

TIMEOUT_SECONDS = 10
WIDTH = 600  # characters of an answer that are shown
MAX_TEXT = 50  # characters of one text in it; ids of answers and cursors are longer, and say nothing to a reader


class Call(NamedTuple):
    """One call of the API."""

    what: str
    method: str
    path: str
    body: Any = None


CALLS = (
    Call(
        "A guest's taste: nothing is stored, no account needed.",
        "POST",
        "/v1/recommendations?limit=3",
        {"ratings": [{"item_id": "alien-1979", "value": 5}, {"item_id": "the-matrix-1999", "value": 5}]},
    ),
    Call("A user of the synthetic audience.", "GET", "/v1/users/synthetic-0001/recommendations?limit=3"),
    Call("What that user rated.", "GET", "/v1/users/synthetic-0001/ratings?limit=2"),
    Call("A film.", "GET", "/v1/items/blade-runner-1982"),
    Call("Is all well?", "GET", "/health/ready"),
)


def base_url(settings: Settings) -> str:
    """Return the address to call from this machine."""
    host = settings.host
    if host != "localhost" and ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def on_scale(settings: Settings, body: Any) -> Any:
    """Put the ratings of an example (1 to 5) on the declared scale."""
    if not body or settings.rating_max == CALLS[0].body["ratings"][0]["value"]:
        return body
    return {"ratings": [rating | {"value": settings.rating_max} for rating in body["ratings"]]}


def wait_until_ready(settings: Settings, seconds: float, check: Callable[[], None]) -> bool:
    """Wait until the API answers from the live model; ``check`` may raise to give up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check()
        status, answer = fetch(f"{base_url(settings)}/health/ready")
        if status == 200 and answer["model_version"] == answer["live_version"]:
            return True
        time.sleep(0.1)
    return False


def fetch(url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """Make one call; status 0 if there is no response."""
    data = json.dumps(body).encode() if body is not None else None
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)
    except (URLError, OSError):
        return 0, None


def show(settings: Settings, console: Console) -> None:
    """Make the calls and print each with its response."""
    for call in CALLS:
        body = on_scale(settings, call.body)
        url = base_url(settings) + call.path
        console.print(f"\n[dim]# {call.what}[/dim]\n{as_curl(call.method, url, body)}", markup=True)
        status, answer = fetch(url, call.method, body)
        if status == 401:
            console.print("-> this server asks for a key: add -H 'X-API-Key: ...' (`palate keys create` makes one)")
        else:
            console.print(shorten(json.dumps(shorten_texts(answer), ensure_ascii=False)), markup=False)


def as_curl(method: str, url: str, body: Any) -> str:
    """Write a call as a line for the shell."""
    if body is None:
        return f"curl '{url}'"
    return f"curl -X {method} '{url}' -H 'Content-Type: application/json' -d '{json.dumps(body)}'"


def shorten_texts(answer: Any) -> Any:
    """Cut the long texts of an answer."""
    if isinstance(answer, dict):
        return {name: shorten_texts(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [shorten_texts(value) for value in answer]
    return answer[:20] + "..." if isinstance(answer, str) and len(answer) > MAX_TEXT else answer


def shorten(text: str) -> str:
    """Cut a long response."""
    return text if len(text) <= WIDTH else text[:WIDTH] + " ..."
