"""Rate, and the list moves."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx2
from playwright.sync_api import Page, Route, expect

from tests.app.console.driving import click_star, recommended, settled, step, titles


def test_a_click_on_a_star_moves_the_list_at_once(page: Page, api: httpx2.Client) -> None:
    before = titles(page)
    item_id = click_star(page, 0, "5")
    body = {"ratings": [{"item_id": item_id, "value": 5}], "limit": 10}
    after = [item["title"] for item in api.post("/v1/recommendations", json=body).json()["items"]]
    assert titles(page) == after != before
    assert page.locator(".move.came, .move.up, .move.down").count() > 0
    expect(page.locator(".took")).to_have_text(re.compile(r"^\d+ places? changed in \d+ ms$"))
    expect(page.locator("#said")).to_contain_text(f"First: {after[0]}.")


def test_what_moved_says_how_far(page: Page) -> None:
    click_star(page, 0, "5")
    before = titles(page)
    click_star(page, 1, "1")
    said = page.locator(".picks .move").all_text_contents()
    for place, (title, move) in enumerate(zip(titles(page), said, strict=True)):
        if title not in before:
            assert move == "new"
        else:
            up = before.index(title) - place
            assert move == ("" if up == 0 else f"▲{up}" if up > 0 else f"▼{-up}")


def test_a_guests_ratings_stay_in_the_tab_and_move_when_they_become_a_user(page: Page, api: httpx2.Client) -> None:
    first, second = click_star(page, 0, "4.5"), click_star(page, 1, "1")
    seen = titles(page)
    page.reload()
    settled(page)
    assert titles(page) == seen
    page.get_by_role("button", name="Change").click()
    user_id = f"guest-{uuid4().hex[:8]}"
    page.get_by_label("User id").fill(user_id)
    page.get_by_role("button", name="Be this user").click()
    expect(page.locator("#who")).to_contain_text(user_id)
    settled(page)
    assert titles(page) == seen == [item["title"] for item in recommended(api, user_id)]
    stored = api.get(f"/v1/users/{user_id}/ratings").json()["ratings"]
    assert {rating["item_id"]: rating["value"] for rating in stored} == {first: 4.5, second: 1}


def test_a_rating_can_be_undone(page: Page) -> None:
    before = titles(page)
    click_star(page, 0, "5")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".rated-list > li")).to_have_count(0)
    settled(page)
    assert titles(page) == before


def test_an_unknown_item_is_not_asked_about_again(page: Page) -> None:
    card = page.locator(".cards > li").first
    item_id = card.get_attribute("data-item")
    card.get_by_role("button").click()
    expect(page.locator(f'.cards > li[data-item="{item_id}"]')).to_have_count(0)
    expect(page.locator(".cards > li")).to_have_count(5)
    click_star(page, 1, "3")
    expect(page.locator(f'.cards > li[data-item="{item_id}"]')).to_have_count(0)


def test_only_the_latest_answer_counts(page: Page) -> None:
    before = titles(page)
    late: list[Route] = []
    page.route("**/v1/recommendations", lambda route: late.append(route) if is_diverse(route) else route.continue_())
    page.get_by_label("Diversity", exact=True).fill("0.9")
    page.get_by_label("Diversity", exact=True).fill("0")
    expect(page.locator(".list")).to_have_attribute("aria-busy", "false")
    for route in late:
        route.continue_()
    page.wait_for_timeout(1_000)
    assert len(late) == 1
    assert titles(page) == before


def is_diverse(route: Route) -> bool:
    return "diversity" in (route.request.post_data_json or {})


def test_what_a_stored_user_sees_opens_and_rates_is_reported_and_a_guests_is_not(
    page: Page, api: httpx2.Client
) -> None:
    reported: list[str] = []
    page.on("request", lambda request: reported.append(request.url) if "/v1/events" in request.url else None)
    click_star(page, 0, "5")
    page.wait_for_timeout(1_200)
    assert reported == []
    page.evaluate("sessionStorage.setItem('palate-user', 'reported')")
    page.reload()
    with page.expect_response("**/v1/events") as shown:
        settled(page)
    assert shown.value.json()["counts"]["recorded"] == 1
    assert shown.value.json()["results"][0]["num_items"] == 10
    row = page.locator(".picks > li").first
    item_id = row.get_attribute("data-item")
    with page.expect_response("**/v1/events") as rated:
        step(row, "4").click()
    (event,) = rated.value.request.post_data_json or [{}]
    assert (event["type"], event["item_id"], event["value"]) == ("rating", item_id, 4)
    assert rated.value.json()["counts"]["recorded"] == 1
    settled(page)
    with page.expect_response("**/v1/events") as clicked:
        page.locator(".picks .title").first.click()
    (result,) = clicked.value.json()["results"]
    assert (result["type"], result["status"], result["num_items"]) == ("click", "recorded", 1)

    page.goto("/#/reports")
    page.get_by_label("By").select_option("source")
    lines = api.get("/v1/reports", params={"by": "source"}).json()["lines"]
    expect(page.locator(".report tbody tr")).to_have_count(len(lines))
    expect(page.locator(".report tbody tr").first).to_contain_text(lines[0]["source"])
    clicks = lines[0]["click_through"]
    expect(page.locator(".report tbody td").nth(1)).to_contain_text(f"{clicks['numerator']} of {clicks['denominator']}")


def test_rotation_lets_what_was_shown_sink(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/")
    expect(page.get_by_label("Rotation")).to_have_count(0)  # a guest has no history
    page.evaluate("sessionStorage.setItem('palate-user', 'rotated')")
    page.reload()
    page.locator(".cards > li").first.wait_for()
    click_star(page, 0, "5")
    seen = titles(page)
    page.wait_for_timeout(1_500)  # what stands there for a second was shown
    settled(page)
    page.get_by_label("Rotation").fill("1")
    settled(page)
    assert not set(seen) & set(titles(page))
