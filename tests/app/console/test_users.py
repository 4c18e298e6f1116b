"""Pages of users and items."""

import httpx2
from playwright.sync_api import Page, expect

from tests.app.console.driving import new_user, open_user, quoted, recommended, settled, step, titles


def test_a_users_page_has_history_and_list_and_removes_a_rating(page: Page, api: httpx2.Client) -> None:
    user_id = new_user(api)
    path = quoted(user_id)
    open_user(page, path)
    expect(page.locator("h1")).to_have_text(user_id)
    history = api.get(f"/v1/users/{path}/ratings").json()["ratings"]
    assert page.locator(".rated-list a").all_text_contents() == [rating["title"] for rating in history]
    assert [each.get_attribute("datetime") for each in page.locator(".rated-list time").all()] == [
        rating["rated_at"] for rating in history
    ]
    page.get_by_role("button", name="Remove the rating of Alien").click()
    expect(page.locator(".rated-list > li")).to_have_count(2)
    settled(page)
    assert "alien-1979" not in [rating["item_id"] for rating in api.get(f"/v1/users/{path}/ratings").json()["ratings"]]
    assert titles(page) == [item["title"] for item in recommended(api, path)]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".rated-list > li")).to_have_count(3)
    settled(page)
    assert api.get(f"/v1/users/{path}/ratings").json()["ratings"][0]["item_id"] == "alien-1979"


def test_a_long_history_comes_page_by_page(page: Page, api: httpx2.Client) -> None:
    items = api.get("/v1/items", params={"limit": 70}).json()["items"]
    path = quoted(new_user(api, {item["item_id"]: 3 for item in items}))
    open_user(page, path)
    expect(page.locator(".rated-list > li")).to_have_count(50)
    page.locator(".rated-list + .more").click()
    expect(page.locator(".rated-list > li")).to_have_count(70)
    expect(page.locator(".rated-list + .more")).to_be_hidden()


def test_back_goes_to_the_page_before(page: Page, api: httpx2.Client) -> None:
    page.locator(".picks .title").first.click()
    expect(page.locator("h1")).not_to_have_text("Rate a few. The list moves at once.")
    title = page.locator("h1").inner_text()
    alike = page.locator(".alike a").first
    expect(alike).to_be_visible()
    alike.click()
    expect(page.locator("h1")).not_to_have_text(title)
    page.go_back()
    expect(page.locator("h1")).to_have_text(title)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Rate a few. The list moves at once.")
    expect(page.locator(".picks > li")).to_have_count(10)


def test_an_item_is_like_others_and_can_be_rated(page: Page, api: httpx2.Client) -> None:
    page.goto("/#/items/alien-1979")
    expect(page.locator("h1")).to_have_text("Alien")
    similar = api.get("/v1/items/alien-1979/similar").json()["items"]
    expect(page.locator(".alike a")).to_have_text([item["title"] for item in similar])
    step(page.locator(".lead"), "4").click()
    expect(page.locator(".lead")).to_contain_text("You rated it 4.")
