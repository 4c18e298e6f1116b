"""The page in a real Chromium: rate, and the list moves."""

import re

import httpx2
from playwright.sync_api import Page, expect


def titles(page: Page) -> list[str]:
    return page.locator(".picks .title").all_text_contents()


def click_star(page: Page, card: int, value: str) -> str:
    """Rate a card; gives the item's id."""
    chosen = page.locator(".cards > li").nth(card)
    item_id = chosen.get_attribute("data-item")
    assert item_id is not None
    chosen.locator(f'.step:has(input[value="{value}"])').click()
    expect(chosen.locator(".rated")).to_have_text(f"rated {value}")
    expect(page.locator(".took")).to_have_text(re.compile(r"changed in \d+ ms"))
    return item_id


def test_a_click_on_a_star_moves_the_list_at_once(page: Page, api: httpx2.Client) -> None:
    before = titles(page)
    item_id = click_star(page, 0, "5")
    body = {"ratings": [{"item_id": item_id, "value": 5}], "limit": 10}
    after = [item["title"] for item in api.post("/v1/recommendations", json=body).json()["items"]]
    assert titles(page) == after != before
    assert page.locator(".move.came, .move.up, .move.down").count() > 0
    expect(page.locator("#said")).to_contain_text(f"First: {after[0]}.")
