"""Item vectors of the models in memory, computed in a thread when they are first asked for."""

import asyncio
from weakref import WeakKeyDictionary

from models.core.interactions import Values
from models.core.model import Model


class ItemVectors:
    """The item vectors of this process's models, each computed once and freed with its model."""

    def __init__(self) -> None:
        self._computing: WeakKeyDictionary[Model, asyncio.Task[Values]] = WeakKeyDictionary()

    async def of(self, model: Model) -> Values:
        """Return a model's item vectors, float32 (I, D); the first call takes seconds."""
        return await asyncio.shield(self.start(model))

    def start(self, model: Model) -> asyncio.Task[Values]:
        """Start computing a model's item vectors, unless that was done."""
        if model not in self._computing:
            self._computing[model] = asyncio.create_task(asyncio.to_thread(model.item_vectors))
        return self._computing[model]

    def __contains__(self, model: Model) -> bool:
        """Return whether a model's item vectors were asked for."""
        return model in self._computing
