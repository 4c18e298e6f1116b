"""The models that served before: a cursor names the one its list was made with."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from app.recommendations.state.loaded_model import LoadedModel

MAX_MODELS = 2  # models in memory beside the live one
KEPT_S = 600.0  # after it was last asked for


@dataclass
class Former:
    """A model, and when it was last asked for."""

    live: LoadedModel
    used_at: float


class ModelCache:
    """The few models that a cursor may still ask for; the one that nobody asks for goes first."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Former] = OrderedDict()
        self._reading = asyncio.Lock()  # one at a time: a model may be large

    def keep(self, live: LoadedModel) -> None:
        """Keep a model for a while."""
        self._models[live.version] = Former(live, monotonic())
        self._models.move_to_end(live.version)
        while len(self._models) > MAX_MODELS:
            self._models.popitem(last=False)

    def find(self, version: str) -> LoadedModel | None:
        """Return a model that is kept."""
        former = self._models.get(version)
        if former is None:
            return None
        self.keep(former.live)
        return former.live

    async def get(self, version: str, read: Callable[[str], Awaitable[LoadedModel]]) -> LoadedModel:
        """Return a model, read again if it is not kept."""
        if (kept := self.find(version)) is not None:
            return kept
        async with self._reading:
            if (kept := self.find(version)) is None:
                kept = await read(version)
                self.keep(kept)
            return kept

    def drop_unused(self) -> None:
        """Let go of the models that nobody has asked for lately."""
        for version in [v for v, former in self._models.items() if former.used_at < monotonic() - KEPT_S]:
            del self._models[version]
