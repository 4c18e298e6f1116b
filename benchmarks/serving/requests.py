"""The kinds of request that the serving benchmark sends. A new one is one more line of `KINDS`."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.serving import world

NUM_POSTS = 20_000
NUM_BODIES = 300
BATCH = 100  # users of a batch
PAGE = 10
NUM_ASKED = 10  # items whose rating is predicted


@dataclass(frozen=True)
class Asking:
    """Whom and what the requests are about.

    Attributes:
        url: the server's.
        rated: the ratings it was trained on.
        users: ids of the users who are asked for.
        ratings: the ratings of each of them, as a body has them.
    """

    url: str
    rated: world.Ratings
    users: Sequence[str]
    ratings: Mapping[str, list[dict[str, Any]]]
    choose: random.Random = field(default_factory=lambda: random.Random(0))

    @classmethod
    def of(cls, url: str, rated: world.Ratings) -> "Asking":
        """Ask for the readers of a world."""
        asked = world.readers(rated)
        starts = np.flatnonzero(np.diff(asked.users, prepend=-1)).tolist()
        users = [f"u{asked.users[start]}" for start in starts]
        triples = list(zip(asked.items.tolist(), asked.values.tolist(), strict=True))
        ratings = {
            user: [
                {"item_id": f"i{item}", "value": value} for item, value in triples[start : start + world.RATINGS_EACH]
            ]
            for user, start in zip(users, starts, strict=True)
        }
        return cls(url, rated, users, ratings)

    def item(self) -> str:
        """Name any item."""
        return f"i{self.choose.randrange(self.rated.num_items)}"

    def popular_item(self) -> str:
        """Name an item as often as it was rated."""
        return f"i{self.choose.choice(self.rated.items.tolist())}"


def gets(**parameters: object) -> Callable[[Asking], list[str]]:
    """Ask for every user's recommendations."""
    query = "?" + urlencode(parameters) if parameters else ""
    return lambda asking: [f"GET /v1/users/{user}/recommendations{query}" for user in asking.users]


def post(path: str, body: object) -> str:
    """Write one POST."""
    return f"POST {path} {json.dumps(body, separators=(',', ':'))}"


def ratings(asking: Asking) -> list[str]:
    """Post one rating at a time."""
    return [post("/v1/ratings", one_rating(asking)) for _ in range(NUM_POSTS)]


def one_rating(asking: Asking) -> dict[str, object]:
    """Make up a rating."""
    value = asking.choose.randint(1, 10) / 2
    return {"user_id": asking.choose.choice(asking.users), "item_id": asking.item(), "value": value}


def next_pages(asking: Asking) -> list[str]:
    """Ask for second pages: the cursors come from the server."""
    return [
        f"GET /v1/users/{user}/recommendations?{urlencode({'cursor': cursor})}"
        for user in asking.users[:NUM_BODIES]
        if (cursor := first_page(asking.url, user)["next_cursor"])
    ]


def first_page(url: str, user: str) -> Any:
    """Ask the server for a user's first page."""
    with urlopen(f"{url}/v1/users/{user}/recommendations") as answer:
        return json.load(answer)


def guests(asking: Asking) -> list[str]:
    """Post as many ratings as the users have."""
    return [post("/v1/recommendations", {"ratings": asking.ratings[user]}) for user in asking.users[:NUM_BODIES]]


def batches(asking: Asking) -> list[str]:
    """Ask for many users at once."""
    draws = [asking.choose.sample(list(asking.users), BATCH) for _ in range(NUM_BODIES)]
    return [post("/v1/recommendations/batch", {"users": users}) for users in draws]


def what_ifs(asking: Asking) -> list[str]:
    """Change one rating of each user and take one back."""
    return [what_if(asking, user) for user in asking.users]


def what_if(asking: Asking, user: str) -> str:
    """Change one rating of a user and take another back."""
    changed, removed = asking.choose.sample([rating["item_id"] for rating in asking.ratings[user]], 2)
    body = {"set": [{"item_id": changed, "value": 0.5}], "remove": [removed]}
    return post(f"/v1/users/{user}/what-if", body)


def predictions(asking: Asking) -> list[str]:
    """Ask what a user would think of some items."""
    return [
        f"GET /v1/users/{user}/predictions?" + "&".join(f"item_id={asking.item()}" for _ in range(NUM_ASKED))
        for user in asking.users
    ]


def similar(asking: Asking) -> list[str]:
    """Ask for items like one that many know."""
    return [f"GET /v1/items/{asking.popular_item()}/similar" for _ in range(NUM_BODIES)]


def similar_users(asking: Asking) -> list[str]:
    """Ask for users like each user."""
    return [f"GET /v1/users/{user}/similar" for user in asking.users]


def questions(asking: Asking) -> list[str]:
    """Ask what each user should rate next."""
    return [f"GET /v1/users/{user}/questions" for user in asking.users]


RECOMMENDATIONS = "/v1/users/{user_id}/recommendations"


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Attributes:
        name: as the table calls it.
        lines: writes the requests, "METHOD PATH BODY" each.
        path: the route; where the server does not have it, the kind is left out.
        parameter: of the route, likewise.
    """

    name: str
    lines: Callable[[Asking], list[str]]
    path: str = RECOMMENDATIONS
    parameter: str | None = None

    def is_known(self, paths: Mapping[str, Any]) -> bool:
        """Return whether the server of an OpenAPI document answers it."""
        operations = paths.get(self.path, {})
        named = {parameter["name"] for each in operations.values() for parameter in each.get("parameters", ())}
        return bool(operations) and (self.parameter is None or self.parameter in named)


EMPTY = Kind("empty", lambda _: ["GET /v1/empty"])
PLAIN = Kind("GET recommendations", gets())
POST = Kind("POST rating", ratings, "/v1/ratings")
CORE = (EMPTY, PLAIN, POST)
KINDS = (
    *CORE,
    Kind("explain", gets(explain="true"), parameter="explain"),
    Kind("what-if", what_ifs, "/v1/users/{user_id}/what-if"),
    Kind("filtered", gets(category="c3", attribute="year:gte:1990"), parameter="attribute"),
    Kind("boosted and pinned", gets(boost="1.5:category:c1", pin="i7"), parameter="boost"),
    Kind("diverse", gets(diversity=0.3), parameter="diversity"),
    Kind("exploring", gets(exploration=0.2), parameter="exploration"),
    Kind("next page", next_pages, parameter="cursor"),
    Kind("guest", guests, "/v1/recommendations"),
    Kind(f"batch of {BATCH}", batches, "/v1/recommendations/batch"),
    Kind("predictions", predictions, "/v1/users/{user_id}/predictions"),
    Kind("similar", similar, "/v1/items/{item_id}/similar"),
    Kind("similar users", similar_users, "/v1/users/{user_id}/similar"),
    Kind("popular", lambda _: ["GET /v1/items/popular"], "/v1/items/popular"),
    Kind("new", lambda _: ["GET /v1/items/new"], "/v1/items/new"),
    Kind("questions", questions, "/v1/users/{user_id}/questions"),
)


def select_kinds(wanted: str, url: str) -> list[Kind]:
    """Return the kinds that are wanted (`all`, `core` or names between commas) and that the server has.

    Raises:
        SystemExit: if a name is not known.
    """
    if wanted == "core":
        return list(CORE)
    by_name = {kind.name: kind for kind in KINDS}
    names = list(by_name) if wanted == "all" else wanted.split(",")
    if unknown := [name for name in names if name not in by_name]:
        raise SystemExit(f"--requests {unknown[0]}: there are {', '.join(by_name)}")
    with urlopen(Request(f"{url}/openapi.json")) as answer:
        paths = json.load(answer)["paths"]
    kinds = [by_name[name] for name in dict.fromkeys(["empty", *names])]
    if missing := [kind.name for kind in kinds if kind is not EMPTY and not kind.is_known(paths)]:
        print(f"this server does not know: {', '.join(missing)}")
    return [kind for kind in kinds if kind is EMPTY or kind.is_known(paths)]
