"""The writer of ratings: the requests of a process share its transactions."""

from app.database.engine import Database
from app.database.group_commit import GroupCommit
from app.ratings.conflict import RatingRow
from app.ratings.service import Written, set_ratings


class RatingWriter(GroupCommit[RatingRow, Written]):
    """Stores the ratings of this process's requests, many requests in one transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, set_ratings, part)


def part(written: Written, rows: slice) -> Written:
    """Return what became of some of the rows."""
    return Written(written.revision, written.outcomes[rows])
