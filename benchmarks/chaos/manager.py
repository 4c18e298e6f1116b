"""The one who starts and stops experiments and runs, under keys that are sent twice."""

import asyncio
from random import Random
from typing import Any
from uuid import uuid4

from benchmarks.chaos.asking import Asker, Call
from benchmarks.chaos.tally import Tally, Wrong


class Manager:
    """Starts something, sends the same request again, and stops it."""

    def __init__(self, asker: Asker, tally: Tally, random: Random) -> None:
        self._asker, self._tally, self._random = asker, tally, random

    async def step(self) -> None:
        """Start and stop an experiment, or start a run."""
        await asyncio.sleep(self._random.uniform(2, 8))
        await self._random.choice([self.run_experiment, self.start_run])()

    async def run_experiment(self) -> None:
        """Serve two versions for a while."""
        reply = await self._asker.ask(Call("list models", "GET", "/v1/models"))
        versions: list[dict[str, Any]] = reply.body["versions"] if reply else []
        kept = [each["version"] for each in versions if each["removed_at"] is None]
        if len(kept) < 2:
            return
        control, treatment = self._random.sample(kept, 2)
        plan = {"name": "chaos", "control": control, "treatment": treatment}
        expected = [409, 422]  # another runs; a version was removed meanwhile
        started = await self._twice(Call("start experiment", "POST", "/v1/experiments", plan, expected=expected))
        if started is None:
            return
        await asyncio.sleep(self._random.uniform(1, 6))
        path = f"/v1/experiments/{started}/stop"
        await self._asker.repeat(Call("stop experiment", "POST", path, {}, expected=[409]))

    async def start_run(self) -> None:
        """Train."""
        await self._twice(Call("start run", "POST", "/v1/training-runs", {}))

    async def _twice(self, call: Call) -> int | None:
        """Send a request twice under one key; return the number of what it created, the same both times."""
        keyed = Call(call.operation, call.method, call.path, call.json, uuid4().hex, call.expected)
        first = await self._asker.repeat(keyed)
        if first is None or first.status >= 400:
            return None
        again = await self._asker.repeat(keyed)
        if again is not None and again.body.get("id") != first.body["id"]:
            self._tally.find(Wrong.ANSWER, f"{call.path}: one key, {first.body['id']} and then {again.body}")
        return int(first.body["id"])
