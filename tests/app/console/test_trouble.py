"""What the page says when a call fails, and when there is nothing to show."""

from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import Page, expect

from app.keys.scopes import Scope
from tests.app.console.driving import click_star, settled, step, titles
from tests.app.console.serving import Serving, in_thread
from tests.conftest import prepare
from tests.processes import wait_until

NewServer = Callable[..., Serving]


def test_a_server_that_asks_for_a_key_gets_it_from_a_dialog(
    new_page: Callable[..., Page], new_server: NewServer
) -> None:
    server = new_server()
    reading = server.make_key(Scope.READ)
    writing = server.make_key(Scope.READ, Scope.WRITE)
    page = new_page(server.url, allowed="status of 40")
    page.goto("/")
    key = page.get_by_label("API key")
    key.fill("palate_wrong")
    key.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    page.get_by_label("API key").fill(reading)
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".picks > li")).to_have_count(10)
    assert page.evaluate("localStorage.length") == 0
    page.goto("/#/items/film-3")
    expect(page.locator("h1")).to_have_text("Film 3")

    page.goto("/#/users/ada")
    page.locator(".picks > li").first.wait_for()
    step(page.locator(".picks > li").first, "4").click()
    expect(page.locator(".list .failure")).to_contain_text("write")
    page.evaluate("key => sessionStorage.setItem('palate-key', key)", writing)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".rated-list > li")).to_have_count(1)
    expect(page.locator(".failure")).to_have_count(0)


def test_a_503_is_told_and_tried_again_and_an_empty_catalogue_says_so(
    new_page: Callable[..., Page], new_server: NewServer
) -> None:
    server = new_server(is_migrated=False)
    page = new_page(server.url, allowed="status of 503")
    page.goto("/")
    told = httpx2.get(f"{server.url}/v1/users/ada/recommendations")
    assert told.status_code == 503
    expect(page.locator(".list .failure")).to_contain_text(told.json()["detail"])
    in_thread(prepare(server.settings))
    wait_until(lambda: httpx2.get(f"{server.url}/v1/users/ada/recommendations").status_code == 200, "it answers")
    page.locator(".list").get_by_role("button", name="Try again").click()
    expect(page.locator(".why-not")).to_contain_text("There are no items yet")
    assert titles(page) == []


def test_before_the_first_model_popular_items_are_shown_and_said_to_be(
    new_page: Callable[..., Page], new_server: NewServer
) -> None:
    server = new_server()
    page = new_page(server.url)
    page.goto("/")
    click_star(page, 0, "5")
    expect(page.locator(".why-not")).to_contain_text("model")
    expect(page.locator(".picks > li")).to_have_count(10)


def test_a_refused_call_says_what_is_wrong(new_page: Callable[..., Page], api: httpx2.Client) -> None:
    page = new_page(allowed="status of 422")
    page.goto(f"/#/users/{'x' * 300}")
    expect(page.locator(".failure").first).to_contain_text("at most 255 characters")


def test_ratings_of_another_scale_can_be_removed(new_page: Callable[..., Page]) -> None:
    page = new_page(allowed="status of 422")
    page.goto("/")
    page.evaluate(
        "sessionStorage.setItem('palate-guest', JSON.stringify("
        "[{item_id: 'alien-1979', title: 'Alien', value: 99, rated_at: '2026-01-01T00:00:00Z'}]))"
    )
    page.reload()
    expect(page.locator(".list .failure")).to_contain_text("value")
    page.get_by_role("button", name="Remove the rating of Alien").click()
    expect(page.locator(".picks > li")).to_have_count(10)
    expect(page.locator(".list .failure")).to_have_count(0)


def test_a_lost_server_is_told_and_the_list_stays(new_page: Callable[..., Page], new_server: NewServer) -> None:
    server = new_server()
    page = new_page(server.url, allowed="ERR_CONNECTION_REFUSED")
    page.goto("/")
    page.locator(".cards > li").first.wait_for()
    settled(page)
    server.stop()
    step(page.locator(".cards > li").first, "5").click()
    expect(page.locator(".list .failure")).to_contain_text("cannot be reached")
    assert len(titles(page)) == 10


@pytest.mark.parametrize(
    ("low", "high", "by", "look", "num"),
    [(0, 10, 1, "numbers", 11), (0.5, 5, 0.5, "stars", 10), (1, 5, 1, "stars", 5), (1, 100, 1, "sliding", 0)],
)
def test_the_control_fits_the_scale(
    new_page: Callable[..., Page], new_server: NewServer, low: float, high: float, by: float, look: str, num: int
) -> None:
    server = new_server(rating_min=low, rating_max=high, rating_step=by)
    page = new_page(server.url, viewport={"width": 360, "height": 740})
    page.goto("/")
    card = page.locator(".cards > li").first
    expect(card.locator(f".rater.{look} .step")).to_have_count(num)
    item_id = card.get_attribute("data-item")
    if look == "sliding":
        card.get_by_role("slider").fill("73")
        card.get_by_role("slider").dispatch_event("change")
    else:
        step(card, str(high)).click()
    expect(card.locator(".rated")).to_have_text(f"rated {73 if look == 'sliding' else high}")
    settled(page)
    assert page.evaluate("JSON.parse(sessionStorage.getItem('palate-guest'))[0].item_id") == item_id
    assert page.evaluate("document.documentElement.scrollWidth") == 360
