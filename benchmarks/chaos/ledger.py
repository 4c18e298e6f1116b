"""What one client knows to be stored, and what it must therefore see.

A write that was acknowledged has one possible value. One without an answer may be stored, also later: both values are
possible for the rest of the trial, and the client does not write that rating again.
"""

from collections.abc import Iterable, Mapping

from benchmarks.chaos.tally import Tally, Wrong

Pair = tuple[str, str]  # user, item


class Ledger:
    """The users and items of one client, whom no other client writes to."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._possible = dict[Pair, set[float | None]]()  # None: no rating
        self._doubted_users = set[str]()
        self._doubted_items = set[str]()
        self._user_revision = dict[str, int]()
        self.revision = 0
        self.users = set[str]()
        self.erased = set[str]()
        self.titles = dict[str, str | None]()  # of the client's own items; None: deleted

    def possible(self, user: str, item: str) -> set[float | None]:
        """Return the values that a rating may have."""
        return self._possible.get((user, item), {None})

    def is_open(self, user: str, item: str) -> bool:
        """Return whether the rating's value is known, so that it can be changed."""
        return len(self.possible(user, item)) == 1

    def is_sure_of_user(self, user: str) -> bool:
        """Return whether no write of the user is in doubt."""
        return user not in self._doubted_users

    def is_sure_of_item(self, item: str) -> bool:
        """Return whether no write of the item is in doubt."""
        return item not in self._doubted_items

    def rated(self, user: str) -> list[str]:
        """List the items that the user has rated for sure."""
        return [item for (owner, item), values in self._possible.items() if owner == user and is_rated(values)]

    def acknowledge(self, user: str, item: str, value: float | None, revision: int | None = None) -> None:
        """Note a write that was answered, and the number of its change; no value: the rating was removed."""
        self.users.add(user)
        self._user_revision[user] = max(revision or 0, self._user_revision.get(user, 0))
        self._possible[user, item] = {value}

    def doubt(self, user: str, item: str, value: float | None) -> None:
        """Note a write without an answer."""
        self._possible[user, item] = self.possible(user, item) | {value}
        self._doubted_users.add(user)
        self._doubted_items.add(item)

    def doubt_item(self, item: str) -> None:
        """Note a write of an item itself without an answer: nothing is known of it from then on."""
        self.titles.pop(item, None)
        self._doubted_items.add(item)
        for user, of in list(self._possible):
            if of == item:
                self.doubt(user, item, None)

    def delete_item(self, item: str) -> None:
        """Note that an item was deleted, and every rating of it."""
        self.titles[item] = None
        for user, of in list(self._possible):
            if of == item:
                self._possible[user, of] = {None}

    def erase(self, user: str) -> None:
        """Note that a user was erased."""
        self.erased.add(user)
        self.forget(user)

    def forget(self, user: str) -> None:
        """Expect nothing of a user any more."""
        self.users.discard(user)
        for pair in [pair for pair in self._possible if pair[0] == user]:
            del self._possible[pair]

    def advance(self, revision: int) -> None:
        """Check a revision up to which every change is stored: it is no lower than any before."""
        if revision < self.revision:
            self._tally.find(Wrong.ANSWER, f"the revision of all ratings went back from {self.revision} to {revision}")
        self.revision = max(self.revision, revision)

    def check_revision(self, user: str, revision: int | None, where: str) -> None:
        """Check that an answer has seen all that earlier answers about the user had seen."""
        least = self._user_revision.get(user, 0)
        if (revision or 0) < least:
            self._tally.find(Wrong.ANSWER, f"{where}: the revision of {user} went back from {least} to {revision}")
        self._user_revision[user] = max(least, revision or 0)

    def check_ratings(self, user: str, stored: Mapping[str, float], where: str) -> None:
        """Compare a user's stored ratings with what they must be."""
        known = {item for owner, item in self._possible if owner == user}
        for item in sorted(known | stored.keys()):
            value, possible = stored.get(item), self.possible(user, item)
            if value not in possible:
                kind = Wrong.LOST if self.is_open(user, item) else Wrong.ANSWER
                self._tally.find(kind, f"{where}: {user} rates {item} {value}, and it can only be {possible}")

    def check_list(self, user: str, items: Iterable[str]) -> None:
        """Check that a list names no item twice, and none that the user has rated."""
        seen = set[str]()
        for item in items:
            if item in seen:
                self._tally.find(Wrong.ANSWER, f"the list of {user} has {item} twice")
            if is_rated(self.possible(user, item)):
                self._tally.find(Wrong.ANSWER, f"the list of {user} has {item}, which they rated")
            seen.add(item)


def is_rated(possible: set[float | None]) -> bool:
    """Return whether a rating is there for sure."""
    return None not in possible
