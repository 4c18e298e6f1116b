"""The models that served before: a cursor names the one its list was made with."""

import asyncio
from collections.abc import Awaitable, Callable

from cachetools import TTLCache

from app.recommendations.state.loaded_model import LoadedModel

MAX_MODELS = 2  # in memory beside the live one
KEPT_S = 600.0  # after a model was last asked for


class ModelCache:
    """The few models that a cursor may still ask for; the least recently used goes first."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._models: TTLCache[str, LoadedModel] = TTLCache(MAX_MODELS, kept_s)
        self._reading = asyncio.Lock()  # one at a time: a model may be large

    def keep(self, live: LoadedModel) -> None:
        """Keep a model for a while from now on."""
        self._models[live.version] = live

    def find(self, version: str) -> LoadedModel | None:
        """Return a model that is kept."""
        if (kept := self._models.get(version)) is not None:
            self.keep(kept)
        return kept

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
        """Drop the models that were not asked for lately."""
        self._models.expire()
