"""Some users with their ratings, from whom those of similar taste are picked: all of them where there are not many."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.database.engine import Database
from app.recommendations.state import repository
from app.recommendations.state.repository import HotRow
from app.recommendations.state.user_similarity import UserVectors

MAX_USERS = 2_000
MIN_AGE_S = 30.0
AGE_PER_SECOND = 20.0  # reading a sample takes a twentieth of the time at most
FORGOTTEN_S = 300.0  # unless it is read anew: ratings that were deleted since do not stay in memory

Encode = Callable[[Sequence[HotRow]], Awaitable[UserVectors]]


@dataclass(frozen=True)
class Sample:
    """Users, and their tastes as of their revisions when they were read."""

    user_ids: Sequence[str]
    revisions: Sequence[int | None]
    tastes: UserVectors


class UserSample:
    """The sample of one process, read when it is asked for and too old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sample: Sample | None = None
        self._due = 0.0
        self._reading = asyncio.Lock()
        self._forgetting: asyncio.TimerHandle | None = None

    async def get(self, encode: Encode) -> Sample:
        """Return the sample; while somebody reads it anew, the old one."""
        if self._sample is not None and (monotonic() < self._due or self._reading.locked()):
            return self._sample
        async with self._reading:
            if self._sample is None or monotonic() >= self._due:
                self._sample = await self._read(encode)
            return self._sample

    async def _read(self, encode: Encode) -> Sample:
        started = monotonic()
        user_ids, users = await self._database.scan(repository.sample_users, MAX_USERS)
        sample = Sample(user_ids, [user.revision for user in users], await encode(users))
        self._due = monotonic() + max(MIN_AGE_S, AGE_PER_SECOND * (monotonic() - started))
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(FORGOTTEN_S, self._forget)
        return sample

    def _forget(self) -> None:
        self._sample = None
