"""Requests of the trial, and the rules that every answer keeps."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any, NamedTuple

import httpx2

from benchmarks.chaos.tally import Tally, Wrong

PATIENCE_S = 60
PAUSE_S = 0.2  # after a call in vain
PROBLEM = "application/problem+json"
READINESS = "/health/ready"  # says in a document of its own what is missing


class Reply(NamedTuple):
    """An answer that says what became of the request."""

    status: int
    body: Any


@dataclass(frozen=True)
class Call:
    """A request, and the statuses that may come beside 200 and 503."""

    operation: str
    method: str
    path: str
    json: object = None
    key: str | None = None  # Idempotency-Key
    expected: Collection[int] = ()


class Asker:
    """Asks any of the API processes."""

    def __init__(self, addresses: list[str], tally: Tally, random: Random) -> None:
        self._http = httpx2.AsyncClient(timeout=PATIENCE_S)
        self._random = random
        self._tally = tally
        self.addresses = addresses

    async def ask(self, call: Call, address: str | None = None) -> Reply | None:
        """Send a request; None: what became of it is not known."""
        address, fault, began = address or self._random.choice(self.addresses), self._tally.fault, monotonic()
        headers = {"Idempotency-Key": call.key} if call.key else {}
        try:
            response = await self._http.request(call.method, address + call.path, json=call.json, headers=headers)
        except httpx2.TransportError as error:
            self._tally.count(call.operation, type(error).__name__, monotonic() - began, fault)
            if isinstance(error, httpx2.ReadTimeout):
                self._tally.find(Wrong.ANSWER, f"{describe(call)}: no answer in {PATIENCE_S} s")
            await asyncio.sleep(PAUSE_S)
            return None
        self._tally.count(call.operation, str(response.status_code), monotonic() - began, fault)
        if response.status_code >= 500:
            self._check_failure(call, response)
            await asyncio.sleep(PAUSE_S)
            return None
        if not response.is_success and response.status_code not in call.expected:
            self._tally.find(Wrong.ANSWER, f"{describe(call)}: {response.status_code} {response.text[:300]}")
            return None
        return Reply(response.status_code, response.json())

    async def repeat(self, call: Call, address: str | None = None) -> Reply | None:
        """Send a request that may be repeated until it is answered; None: it was not for a long time."""
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            if reply := await self.ask(call, address):
                return reply
        return None

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    def _check_failure(self, call: Call, response: httpx2.Response) -> None:
        if response.status_code != 503:
            self._tally.find(Wrong.SERVER_ERROR, f"{describe(call)}: {response.status_code} {response.text[:300]}")
        elif not (is_problem(response) or call.path == READINESS):
            self._tally.find(Wrong.ANSWER, f"{describe(call)}: a 503 that is no {PROBLEM}")
        elif "retry-after" not in response.headers:
            self._tally.find(Wrong.ANSWER, f"{describe(call)}: a 503 without Retry-After")


def is_problem(response: httpx2.Response) -> bool:
    """Return whether an answer is of the type that every error has."""
    return response.headers.get("content-type", "").startswith(PROBLEM)


def describe(call: Call) -> str:
    """Return a request in a few words."""
    return f"{call.method} {call.path}"
