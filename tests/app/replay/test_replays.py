"""Whatever happens between answers: each can be made again, the same, by another process."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import hypothesis
import pytest
from starlette.testclient import TestClient

from app.recommendations.tokens.recommendation_id import decode
from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import serve as serve
from tests.app.recommendations.fixtures import settings as settings
from tests.app.recommendations.helpers import ITEMS, Publish, Serve, add_items, rate, wait_for_version

USERS = ["ada", "grace", "mary", "nobody yet"]
EXTRA = [f"extra {number}" for number in range(12)]
NUM_WORLDS = -(-hypothesis.settings().max_examples // 100)  # one with every change, more by `make laws`
SAID = ("model_version", "revision", "personalised", "reason", "reason_detail", "items")


class World:
    """An instance to which things happen, and the answers it gave: each with what a replay of it needs."""

    def __init__(self, client: TestClient, publish: Publish, random: Random) -> None:
        self.client, self.random, self._publish = client, random, publish
        self.versions: list[str] = []
        self.answers: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.pages: list[Callable[[], None]] = []
        self.actions = [self.rate, self.rate, self.unrate, self.describe, self.describe, self.switch, self.delete]
        self.actions += [self.rule, self.unrule, self.ask_for_user, self.ask_for_user, self.ask_for_user, self.turn]
        self.actions += [self.ask_for_guest, self.ask_for_many, self.ask_for_shelf, self.window, self.show, self.merge]

    def call(self, method: str, path: str, *statuses: int, **arguments: Any) -> Any:
        """Send a request."""
        response = self.client.request(method, path, **arguments)
        assert response.status_code in (statuses or (200,)), response.text
        return response.json() if response.content else None

    def item(self) -> str:
        return self.random.choice([*ITEMS, *EXTRA])

    def rate(self) -> None:
        ratings = {self.item(): self.random.choice([1.0, 2.5, 4.0, 5.0]) for _ in range(self.random.randint(1, 4))}
        rate(self.client, self.random.choice(USERS[:3]), ratings)

    def unrate(self) -> None:
        user = self.random.choice(USERS[:3])
        self.call("DELETE", f"/v1/users/{user}/ratings/{self.item()}", 200, 204, 404)

    def merge(self) -> None:
        user, other = self.random.sample(USERS[:3], 2)
        self.call("POST", f"/v1/users/{user}/merge", json={"from_user_id": other})

    def describe(self) -> None:
        fields: dict[str, Any] = {
            "title": self.item().title(),
            "categories": self.random.sample(["even", "odd", "new"], 2),
        }
        fields |= {"attributes": {"year": self.random.randint(1990, 1995), "by": self.random.choice("abc")}}
        names = {self.item() for _ in range(self.random.randint(1, 4))}
        self.call("POST", "/v1/items", json=[{"item_id": name, **fields} for name in sorted(names)])

    def switch(self) -> None:
        self.call("PATCH", f"/v1/items/{self.item()}", 200, 404, json={"active": self.random.random() < 0.6})

    def window(self) -> None:
        """Let an item come, or go, while answers are given."""
        edge = datetime.now(UTC) + timedelta(milliseconds=self.random.randint(-5, 60))
        name = self.random.choice(["available_from", "available_until"])
        self.call("PATCH", f"/v1/items/{self.item()}", 200, 404, 422, json={name: edge.isoformat()})

    def delete(self) -> None:
        self.call("DELETE", f"/v1/items/{self.item()}", 200, 204, 404)

    def rule(self) -> None:
        rules = {"block": [self.item()], "pin": [{"item_id": self.item(), "position": 2}]}
        rules["boost"] = [{"factor": 3, "attribute": [{"name": "year", "gte": 1993}]}]
        kept = self.random.sample(sorted(rules), 2)
        self.call("PUT", "/v1/rules", json={name: rules[name] for name in kept})

    def unrule(self) -> None:
        self.call("DELETE", "/v1/rules", 204)

    def publish(self, kind: str) -> None:
        version = f"v{len(self.versions)}"
        self._publish(version, kind, num_items=self.random.randint(8, len(ITEMS)), seed=len(self.versions))
        self.versions.append(version)
        wait_for_version(self.client, version)

    def activate(self) -> None:
        version = self.random.choice(self.versions)
        self.call("POST", f"/v1/models/{version}/activate")
        wait_for_version(self.client, version)

    def options(self) -> dict[str, Any]:
        """Draw what may be asked for."""
        draw = self.random
        asked: dict[str, Any] = {
            "limit": draw.randint(1, 12),
            "include_rated": draw.random() < 0.5,
            "category": [draw.choice(["even", "odd", "new"])],
            "attribute": [{"name": "year", "gte": 1992}],
            "exclude_category": ["new"],
            "block": [self.item()],
            "boost": [{"factor": draw.choice([0.2, 4]), "item_id": [self.item(), self.item()]}],
            "pin": [{"item_id": self.item()}],
            "diversity": draw.choice([0.3, 1.0]),
            "exploration": draw.choice([0.2, 0.7]),
            "explain": draw.random() < 0.5,
            "rotation": draw.choice([0.5, 1.0]),
        }
        return {name: asked[name] for name in draw.sample(sorted(asked), draw.choice([0, 0, 1, 2, 4]))}

    def took(self, answer: dict[str, Any], next_page: Callable[[str], None] | None, **needed: Any) -> None:
        """Remember an answer, and how to go on with it."""
        self.answers.append((answer, {"recommendation_id": answer["recommendation_id"], **needed}))
        if next_page is not None and answer["next_cursor"]:
            self.pages.append(lambda: next_page(answer["next_cursor"]))

    def ask_for_user(self) -> None:
        user, asked = self.random.choice(USERS), in_query(self.options())
        self.page_of(user, asked, None)

    def page_of(self, user: str, asked: dict[str, Any], cursor: str | None) -> None:
        parameters = asked if cursor is None else {**asked, "cursor": cursor}
        answer = self.call("GET", f"/v1/users/{user}/recommendations", params=parameters)
        self.took(answer, lambda following: self.page_of(user, asked, following))

    def ask_for_guest(self) -> None:
        names = {self.item() for _ in range(3)}
        ratings = [{"item_id": name, "value": self.random.choice([1, 5])} for name in sorted(names)]
        self.page_of_guest({"ratings": ratings, **self.options()}, None)

    def page_of_guest(self, asked: dict[str, Any], cursor: str | None) -> None:
        answer = self.call("POST", "/v1/recommendations", json={**asked, **({"cursor": cursor} if cursor else {})})
        self.took(answer, lambda following: self.page_of_guest(asked, following), ratings=asked["ratings"])

    def ask_for_many(self) -> None:
        asked = {"users": USERS, **self.options()}
        for answer in self.call("POST", "/v1/recommendations/batch", json=asked)["answers"]:
            self.took(answer, None)

    def show(self) -> None:
        """Report that an answer was shown: what follows may sink it."""
        if self.answers:
            shown = self.random.choice(self.answers)[1]["recommendation_id"]
            self.call("POST", "/v1/events", json=[{"type": "impression", "recommendation_id": shown}])

    def ask_for_shelf(self) -> None:
        shelf, asked = self.random.choice(["new", "popular"]), in_query(self.options())
        for name in ("include_rated", "explain", "rotation"):
            asked.pop(name, None)
        if shelf == "popular":
            asked["half_life_days"] = self.random.choice([7, 365])
        self.took(self.call("GET", f"/v1/items/{shelf}", params=asked), None)

    def turn(self) -> None:
        """Ask for the next page of some list."""
        if self.pages:
            self.pages.pop(self.random.randrange(len(self.pages)))()


def in_query(asked: dict[str, Any]) -> dict[str, Any]:
    """Write options as a query takes them."""
    objects = {
        name: [json.dumps(one) for one in asked[name]] for name in ("attribute", "boost", "pin") if name in asked
    }
    return asked | objects


def replay(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/v1/replays", json=body)
    assert response.status_code == 200, response.text
    again: dict[str, Any] = response.json()
    return again


@pytest.mark.parametrize("seed", range(NUM_WORLDS))
def test_every_answer_is_made_again_the_same(serve: Serve, publish_version: Publish, seed: int) -> None:
    with serve() as client:
        world = World(client, publish_version, Random(seed))
        add_items(client, ITEMS[:9], attributes={"year": 1990, "by": "a"})
        for step in range(220):
            if step in (40, 100, 160):
                world.publish(["linear", "denoising", "hybrid"][len(world.versions)])
            elif step in (130, 190):
                world.activate()
            else:
                world.random.choice(world.actions)()
    assert len(world.answers) > 80
    assert {answer.get("model_version") for answer, _ in world.answers} >= {None, "v0", "v1"}
    world.random.shuffle(world.answers)
    with serve() as other:
        for answer, needed in world.answers:
            again = replay(other, needed)
            expected = {name: answer[name] for name in SAID if name in answer}
            assert {name: again[name] for name in expected} == expected, answer
            assert again["identical"] is True
        other.delete("/v1/users/mary")
        for answer, needed in world.answers:
            gone = answer.get("user_id") == "mary" and answer["revision"] is not None
            gone |= decode(needed["recommendation_id"], "id").popularity_revision >= 0
            assert other.post("/v1/replays", json=needed).status_code == (410 if gone else 200)
