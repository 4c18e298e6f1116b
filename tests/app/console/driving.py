"""What the tests do with the page, and what they ask the API themselves."""

from typing import Any
from uuid import uuid4

import httpx2
from playwright.sync_api import Locator, Page, expect

RATINGS: dict[str, float] = {"alien-1979": 5, "clueless-1995": 1, "high-noon-1952": 4}


def titles(page: Page) -> list[str]:
    return page.locator(".picks .title").all_text_contents()


def step(place: Locator, value: str) -> Locator:
    """The part of a rating control that stands for a value."""
    return place.locator(f'.step:has(input[value="{value}"])')


def click_star(page: Page, card: int, value: str) -> str:
    """Rate a card; gives the item's id once the list is there."""
    chosen = page.locator(".cards > li").nth(card)
    item_id = chosen.get_attribute("data-item")
    assert item_id is not None
    step(chosen, value).click()
    expect(chosen.locator(".rated")).to_have_text(f"rated {value}")
    settled(page)
    return item_id


def settled(page: Page) -> None:
    """Wait until nothing is being asked any more."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".list")).to_have_attribute("aria-busy", "false")


def open_user(page: Page, user_id: str) -> None:
    with page.expect_response(lambda answer: "/similar" in answer.url):  # the list of the page before is gone then
        page.goto(f"/#/users/{user_id}")
    page.locator(".rated-list > li").first.wait_for()
    settled(page)


def rate(api: httpx2.Client, user_id: str, ratings: dict[str, float] = RATINGS) -> None:
    rows = [{"user_id": user_id, "item_id": item_id, "value": value} for item_id, value in ratings.items()]
    assert api.post("/v1/ratings", json=rows).json()["counts"]["created"] == len(rows)


def recommended(api: httpx2.Client, user_id: str, **options: Any) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/users/{user_id}/recommendations", params=options).json()
    items: list[dict[str, Any]] = answer["items"]
    return items


def new_user(api: httpx2.Client, ratings: dict[str, float] = RATINGS) -> str:
    user_id = f"user {uuid4().hex[:8]}/ü"
    rate(api, user_id, ratings)
    return user_id


def quoted(user_id: str) -> str:
    return user_id.replace(" ", "%20").replace("/", "%2F").replace("ü", "%C3%BC")
