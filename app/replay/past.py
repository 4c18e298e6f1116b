"""The catalogue as it was: one in memory, moved to whatever revision and moment is asked for, there and back."""

import asyncio

from app.database.engine import Database
from app.recommendations.catalogue.index import Catalogue
from app.replay import repository


class PastCatalogue(Catalogue):
    """A catalogue whose clock stands still. Slots are those of the catalogue that answers: ids in their order."""

    def __init__(self) -> None:
        self._moment_us = 0
        super().__init__(lambda: self._moment_us)

    async def move(self, database: Database, revision: int, moment_us: int) -> None:
        """Become what the catalogue was at a revision, looked at in a moment.

        Raises:
            ReplayUnavailable: if that cannot be had.
        """
        if (revision, moment_us) != (self.revision, self._moment_us):
            step = await database.scan(repository.step, self.revision, revision) if revision != self.revision else None
            await asyncio.to_thread(self.take, step, revision, moment_us)

    def take(self, step: repository.Step | None, revision: int, moment_us: int) -> None:
        """Take a step to a revision, if one is needed, and set the clock."""
        self._moment_us = moment_us
        if step is None:
            self.refresh_active()
            return
        self.truncate(step.num_items)
        self.rules = step.rules
        self.apply(step.rows, revision)
        self.revision = revision
