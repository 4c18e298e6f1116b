"""One client of the trial: its users rate, and it checks what it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlencode

from benchmarks.chaos.asking import Asker, Call, Reply
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.tally import Tally, Wrong

NUM_USERS = 8
NUM_SHARED = 300  # items that all rate, and none changes
MAX_PAST = 40
PAGES = 3
PAGE = 10


@dataclass(frozen=True)
class Past:
    """A recommendation as it was answered."""

    recommendation_id: str
    user: str
    items: list[dict[str, Any]]


class Client:
    """Makes one request after the other until the trial ends."""

    def __init__(self, number: int, asker: Asker, tally: Tally, random: Random) -> None:
        self.ledger = Ledger(tally)
        self._asker, self._tally, self._random = asker, tally, random
        self._name = f"client-{number}"
        self._numbers = count()
        self._users = [self._new("user") for _ in range(NUM_USERS)]
        self._past = list[Past]()
        self._operations: dict[Callable[[], Awaitable[None]], int] = {
            self.rate_one: 24,
            self.rate_many: 8,
            self.edit: 12,
            self.remove: 8,
            self.list_ratings: 14,
            self.recommend: 16,
            self.replay: 6,
            self.ask_what_if: 4,
            self.store_item: 5,
            self.read_item: 4,
            self.delete_item: 2,
            self.erase: 2,
        }

    async def step(self) -> None:
        """Do something."""
        (operation,) = self._random.choices(list(self._operations), list(self._operations.values()))
        await operation()

    async def rate_one(self) -> None:
        """POST one rating."""
        await self._rate("rate one", [self._draw()])

    async def rate_many(self) -> None:
        """POST up to twenty."""
        rows = {row[:2]: row for row in (self._draw() for _ in range(self._random.randint(2, 20)))}
        await self._rate("rate many", list(rows.values()))

    async def edit(self) -> None:
        """PUT a rating."""
        user, item, value = self._draw()
        if not self.ledger.is_open(user, item):
            return
        call = Call("edit", "PUT", f"/v1/users/{user}/ratings/{item}", {"value": value})
        reply = await self._asker.ask(call)
        if reply is None:
            self.ledger.doubt(user, item, value)
            return
        self._note(user, item, value, reply.body)
        self.ledger.advance(reply.body["revision"])

    async def remove(self) -> None:
        """DELETE a rating."""
        user = self._user()
        if not (rated := [item for item in self.ledger.rated(user) if self.ledger.is_open(user, item)]):
            return
        item = self._random.choice(rated)
        reply = await self._asker.ask(Call("remove", "DELETE", f"/v1/users/{user}/ratings/{item}"))
        if reply is None:
            self.ledger.doubt(user, item, None)
            return
        self.ledger.acknowledge(user, item, None)
        self.ledger.advance(reply.body["revision"])

    async def list_ratings(self) -> None:
        """GET all ratings of a user."""
        await self.check_user(self._user(), "during the trial")

    async def check_user(self, user: str, where: str, address: str | None = None) -> None:
        """Compare a user's stored ratings with the ledger."""
        path = f"/v1/users/{user}/ratings?limit=1000"
        reply = await self._check(Call("list ratings", "GET", path, expected=[404]), address)
        if reply is None:
            return
        ratings = {row["item_id"]: row["value"] for row in reply.body["ratings"]} if reply.status == 200 else {}
        self.ledger.check_ratings(user, ratings, where)
        if reply.status == 200:
            self.ledger.advance(reply.body["revision"])

    async def recommend(self) -> None:
        """GET a list, page by page, and keep the answers."""
        user, query, items = self._user(), {"limit": str(PAGE)}, list[str]()
        for page in range(self._random.randint(1, PAGES)):
            path = f"/v1/users/{user}/recommendations?{urlencode(query)}"
            reply = await self._asker.ask(Call("recommend", "GET", path, expected=[410] if items else []))
            if reply is None or reply.status != 200:
                break
            self.ledger.check_revision(user, reply.body["revision"], f"recommendations, page {page}")
            items += [item["item_id"] for item in reply.body["items"]]
            self._past = [*self._past[1 - MAX_PAST :], Past(reply.body["recommendation_id"], user, reply.body["items"])]
            if reply.body["next_cursor"] is None:
                break
            query["cursor"] = reply.body["next_cursor"]
        self.ledger.check_list(user, items)

    async def replay(self) -> None:
        """Have an earlier answer made again, and compare it."""
        if not self._past:
            return
        past = self._random.choice(self._past)
        call = Call("replay", "POST", "/v1/replays", {"recommendation_id": past.recommendation_id}, expected=[410])
        reply = await self._asker.ask(call)
        if reply is None or reply.status != 200:
            return
        if not reply.body["identical"] or reply.body["items"] != past.items:
            self._tally.find(Wrong.ANSWER, f"a replay for {past.user} differs: {differences(past.items, reply.body)}")

    async def ask_what_if(self) -> None:
        """POST what a user might rate; nothing is stored."""
        user, item, value = self._draw()
        path, asked = f"/v1/users/{user}/what-if", {"set": [{"item_id": item, "value": value}], "limit": PAGE}
        reply = await self._asker.ask(Call("what-if", "POST", path, asked))
        if reply is not None:
            self.ledger.check_revision(user, reply.body["revision"], "what-if")

    async def store_item(self) -> None:
        """POST an item of this client, new or known."""
        known = [item for item, title in self.ledger.titles.items() if title is not None]
        item = self._random.choice(known) if known and self._random.random() < 0.5 else self._new("item")
        title = f"Title {self._random.randrange(10**6)}"
        reply = await self._asker.ask(Call("store item", "POST", "/v1/items", {"item_id": item, "title": title}))
        if reply is None:
            self.ledger.doubt_item(item)
        else:
            self.ledger.titles[item] = title

    async def read_item(self) -> None:
        """GET an item of this client."""
        if self.ledger.titles:
            await self.check_item(self._random.choice(list(self.ledger.titles)))

    async def check_item(self, item: str, address: str | None = None) -> None:
        """Compare a stored item with the ledger."""
        reply = await self._check(Call("read item", "GET", f"/v1/items/{item}", expected=[404]), address)
        if reply is None:
            return
        title, known = (reply.body["title"] if reply.status == 200 else None), self.ledger.titles[item]
        if title != known:
            self._tally.find(Wrong.LOST, f"{item} has the title {title!r}, and it can only be {known!r}")

    async def delete_item(self) -> None:
        """DELETE an item of this client, with its ratings."""
        known = [item for item, title in self.ledger.titles.items() if title and self.ledger.is_sure_of_item(item)]
        if not known:
            return
        item = self._random.choice(known)
        if await self._asker.ask(Call("delete item", "DELETE", f"/v1/items/{item}")) is None:
            self.ledger.doubt_item(item)
        else:
            self.ledger.delete_item(item)

    async def erase(self) -> None:
        """Erase a user, under one key until it is answered, and go on with another."""
        user = self._user()
        if user not in self.ledger.users or not self.ledger.is_sure_of_user(user):
            return
        self._users[self._users.index(user)] = self._new("user")
        self._past = [past for past in self._past if past.user != user]
        call = Call("erase", "DELETE", f"/v1/users/{user}", key=f"erase-{user}")
        if await self._asker.repeat(call):
            self.ledger.erase(user)
        else:  # the user may be there, or not
            self.ledger.forget(user)

    async def check_erased(self, user: str, address: str) -> None:
        """Check that nothing is known of an erased user."""
        reply = await self._check(Call("read erased", "GET", f"/v1/users/{user}", expected=[404]), address)
        if reply is not None and reply.status != 404:
            self._tally.find(Wrong.ANSWER, f"{user} was erased, and is there")

    async def check_all(self) -> None:
        """Compare everything with the ledger, at every process."""
        for address in self._asker.addresses:
            for user in sorted(self.ledger.users):
                await self.check_user(user, f"in the end at {address}", address)
            for item in self.ledger.titles:
                await self.check_item(item, address)
            for user in self.ledger.erased:
                await self.check_erased(user, address)

    async def _check(self, call: Call, address: str | None) -> Reply | None:
        """Read at any process; at one that is named until it answers, because that is the last check."""
        return await (self._asker.repeat(call, address) if address else self._asker.ask(call))

    async def _rate(self, operation: str, drawn: list[tuple[str, str, float]]) -> None:
        rows = [row for row in drawn if self.ledger.is_open(*row[:2])]
        if not rows:
            return
        body = [{"user_id": user, "item_id": item, "value": value} for user, item, value in rows]
        reply = await self._asker.ask(Call(operation, "POST", "/v1/ratings", body))
        if reply is None:
            for row in rows:
                self.ledger.doubt(*row)
            return
        for row, result in zip(rows, reply.body["results"], strict=True):
            self._note(*row, result)
        self.ledger.advance(reply.body["revision"])

    def _note(self, user: str, item: str, value: float, result: dict[str, Any]) -> None:
        if result["status"] not in {"created", "updated", "unchanged"}:
            self._tally.find(Wrong.ANSWER, f"the rating of {item} by {user} is {result}")
        is_change = result["status"] != "unchanged"  # of a PUT the revision is everybody's: a lone row's is its own
        self.ledger.acknowledge(user, item, value, result.get("revision") if is_change and "index" in result else None)

    def _draw(self) -> tuple[str, str, float]:
        own = [item for item, title in self.ledger.titles.items() if title is not None]
        is_own = own and self._random.random() < 0.2
        item = self._random.choice(own) if is_own else shared_item(self._random.randrange(NUM_SHARED))
        return self._user(), item, self._random.randint(2, 10) / 2

    def _user(self) -> str:
        return self._random.choice(self._users)

    def _new(self, what: str) -> str:
        return f"{self._name}-{what}-{next(self._numbers)}"


def shared_item(number: int) -> str:
    """Name an item of everybody's."""
    return f"shared-{number}"


def differences(before: list[dict[str, Any]], after: dict[str, Any]) -> str:
    """Describe where a replay differs first."""
    pairs = zip(before, after["items"], strict=False)
    first = next((pair for pair in pairs if pair[0] != pair[1]), None)
    return f"identical={after['identical']}, {len(before)} and {len(after['items'])} items, first {first}"
