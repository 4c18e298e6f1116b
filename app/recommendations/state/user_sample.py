"""Some users with their ratings, from whom similar users are picked: all of them where there are not many."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.database.engine import Database
from app.kit.refreshing import Refreshing
from app.recommendations.state import repository
from app.recommendations.state.repository import HotRow
from app.recommendations.state.user_similarity import UserVectors

MAX_USERS = 2_000
MIN_AGE_S = 30.0
FORGET_AFTER_S = 300.0  # unless it is read anew: ratings that were deleted since do not stay in memory

Encode = Callable[[Sequence[HotRow]], Awaitable[UserVectors]]


@dataclass(frozen=True)
class Sample:
    """Users, and their vectors as of their revisions when they were read."""

    user_ids: Sequence[str]
    revisions: Sequence[int | None]
    vectors: UserVectors


class UserSample(Refreshing[[Encode], Sample]):
    """The sample of one process, read when it is asked for and too old."""

    def __init__(self, database: Database) -> None:
        super().__init__(self._read, min_age_s=MIN_AGE_S, forget_after_s=FORGET_AFTER_S)
        self._database = database

    async def _read(self, encode: Encode) -> Sample:
        user_ids, users = await self._database.scan(repository.sample_users, MAX_USERS)
        return Sample(user_ids, [user.revision for user in users], await encode(users))
