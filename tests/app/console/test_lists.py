"""What the list shows is what the API answers: reasons, what-if, filters, diversity, pages."""

import re

import httpx2
from playwright.sync_api import Page, expect

from tests.app.console.driving import new_user, open_user, quoted, recommended, settled, titles

MINUS = "\N{MINUS SIGN}"


def test_reasons_are_those_of_the_api(page: Page, api: httpx2.Client) -> None:
    user_id = new_user(api)
    open_user(page, quoted(user_id))
    items = recommended(api, quoted(user_id), explain="true")
    assert titles(page) == [item["title"] for item in items]
    for row, item in zip(page.locator(".picks > li").all(), items, strict=True):
        causes = {cause["title"]: cause for cause in item["because"]}
        strongest = sorted(causes.values(), key=lambda cause: -abs(cause["effect"]))[:3]
        said = row.locator(".cause").all_inner_texts()
        assert len(said) >= 1
        for text in said:
            title, value, effect = re.split(r"\s*\n\s*|\s(?=[\d.]+$)", text.replace("\xa0", " ").strip())[:3]
            cause = causes[title]
            assert cause in strongest
            assert float(value) == cause["value"]
            assert abs(float(effect.replace(MINUS, "-")) - cause["effect"]) <= 0.005
    row = page.locator(".picks > li").first
    row.locator("summary").click()
    cells = row.locator("tbody tr").first.locator("td").all_inner_texts()
    first = items[0]["because"][0]
    assert [float(cell.replace(MINUS, "-")) for cell in cells] == [
        round(first[name], 3) for name in ("effect", "score_effect")
    ]
    expect(row.locator(".guess b")).to_have_text(f"{items[0]['predicted_rating']:.1f}")


def test_what_if_changes_the_list_and_stores_nothing_until_it_is_kept(page: Page, api: httpx2.Client) -> None:
    user_id = new_user(api)
    path = quoted(user_id)
    open_user(page, path)
    before, stored = titles(page), api.get(f"/v1/users/{path}/ratings").json()
    page.get_by_label("What if: Alien").fill("1")
    page.get_by_role("button", name="What if Clueless were left out").click()
    settled(page)
    body = {"set": [{"item_id": "alien-1979", "value": 1}], "remove": ["clueless-1995"], "limit": 10}
    said = api.post(f"/v1/users/{path}/what-if", json=body).json()
    after = [item["title"] for item in said["after"]["items"]]
    assert titles(page) == after != before
    moves = {move["title"]: move["before"] and move["before"] - move["after"] for move in said["moves"]}
    for title, shown in zip(after, page.locator(".picks .move").all_text_contents(), strict=True):
        up = moves.get(title, 0)
        assert shown == ("new" if up is None else f"▲{up}" if up > 0 else f"▼{-up}" if up < 0 else "")
    assert api.get(f"/v1/users/{path}/ratings").json() == stored

    page.get_by_role("button", name="Reset").click()
    settled(page)
    assert titles(page) == before
    expect(page.get_by_label("What if: Alien")).to_have_value("5")

    page.get_by_label("What if: Alien").fill("1")
    page.get_by_role("button", name="What if Clueless were left out").click()
    settled(page)
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".what-if")).to_be_hidden()
    settled(page)
    assert titles(page) == after == [item["title"] for item in recommended(api, path)]
    kept = {rating["item_id"]: rating["value"] for rating in api.get(f"/v1/users/{path}/ratings").json()["ratings"]}
    assert kept == {"alien-1979": 1, "high-noon-1952": 4}


def test_filters_let_only_what_matches_through(page: Page, api: httpx2.Client) -> None:
    page.locator(".filters summary").click()
    page.get_by_text("Animation", exact=True).click()
    page.get_by_label("Year, from").fill("1990")
    page.get_by_label("Year, from").press("Enter")
    settled(page)
    ids = [row.get_attribute("data-item") for row in page.locator(".picks > li").all()]
    assert ids
    items = api.get("/v1/items", params={"item_id": ids}).json()["items"]
    assert all("Animation" in item["categories"] and item["attributes"]["year"] >= 1990 for item in items)
    expect(page.locator(".filters summary")).to_have_text("Filters (2)")
    page.get_by_text("Western", exact=True).click()
    page.get_by_text("Animation", exact=True).click()
    page.get_by_label("Year, from").fill("2019")
    page.get_by_label("Year, from").press("Enter")
    expect(page.locator(".why-not")).to_contain_text("Clear the filters")
    assert titles(page) == []
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator(".picks > li")).to_have_count(10)


def test_diversity_and_exploration_are_the_apis(page: Page, api: httpx2.Client) -> None:
    user_id = quoted(new_user(api))
    open_user(page, user_id)
    plain = titles(page)
    page.get_by_label("Diversity", exact=True).fill("0.7")
    settled(page)
    assert titles(page) == [item["title"] for item in recommended(api, user_id, diversity=0.7)] != plain
    page.get_by_label("Exploration", exact=True).fill("0.3")
    settled(page)
    assert titles(page) == [item["title"] for item in recommended(api, user_id, diversity=0.7, exploration=0.3)]


def test_more_goes_on_with_the_same_list(page: Page, api: httpx2.Client) -> None:
    user_id = quoted(new_user(api))
    open_user(page, user_id)
    page.locator(".list > .more").click()
    expect(page.locator(".picks > li")).to_have_count(20)
    assert titles(page) == [item["title"] for item in recommended(api, user_id, limit=20)]
    expect(page.locator(".picks .rank b").last).to_have_text("20")
