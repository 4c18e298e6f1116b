"""By keyboard, on a narrow screen, in light and dark."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app.console.driving import click_star, new_user, open_user, quoted, settled, titles

MAX_STEPS = 150
WIDTHS = (360, 390, 800, 1280)
# Text of every element, with the contrast of its colour and the nearest background; WCAG 2.2, 1.4.3.
FAINT_TEXT = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const linear = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = element => {
    const colour = element ? channels(getComputedStyle(element).backgroundColor) : [255, 255, 255];
    return colour.length === 4 && colour[3] === 0 ? ground(element.parentElement) : colour;
  };
  const hasText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")].filter(each => hasText(each) && each.checkVisibility()).map(each => {
    const style = getComputedStyle(each);
    const [light, dark] = [luminance(channels(style.color)), luminance(ground(each))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    return { text: each.textContent.trim(), contrast, size: parseFloat(style.fontSize) };
  }).filter(each => each.contrast < (each.size >= 24 ? 3 : 4.5));
}"""

COUNT_GLIDES = """() => {
  const animate = Element.prototype.animate;
  globalThis.num = 0;
  Element.prototype.animate = function (...all) { globalThis.num++; return animate.apply(this, all); };
}"""
CUT_OFF = """width => [...document.querySelectorAll("main *, header *, dialog *")]
  .filter(each => !each.closest(".cards, .wide, .unseen") && each.getBoundingClientRect().right > width + 0.5)
  .map(each => each.outerHTML)"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MAX_STEPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{wanted} cannot be reached by the keyboard")


def test_rating_by_the_keyboard_keeps_the_focus(page: Page) -> None:
    before = titles(page)
    tab_to(page, page.locator(".cards input").first)
    card = page.locator(".cards > li").first
    expect(card.locator("input").first).to_be_focused()
    outline = "getComputedStyle(document.activeElement.closest('.rater')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(card.locator(".rated")).to_have_text("rated 5")
    settled(page)
    assert titles(page) != before
    expect(card.locator('input[value="5"]')).to_be_focused()
    expect(page.locator(".rated-list > li")).to_have_count(1)


def test_what_if_by_the_keyboard(page: Page) -> None:
    click_star(page, 0, "5")
    slider = page.get_by_label(re.compile("^What if: "))
    tab_to(page, slider)
    kept = titles(page)
    page.keyboard.press("Home")
    settled(page)
    assert titles(page) != kept
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Reset")).to_be_focused()
    page.keyboard.press("Enter")
    settled(page)
    assert titles(page) == kept


def test_everything_that_can_be_used_has_a_name(page: Page) -> None:
    click_star(page, 0, "5")
    controls = page.locator("main").get_by_role("button").or_(page.get_by_role("slider")).or_(page.get_by_role("radio"))
    for control in controls.all():
        expect(control).to_have_accessible_name(re.compile(r"\w"))
    for group in page.get_by_role("radiogroup").all():
        expect(group).to_have_accessible_name(re.compile("^Rate "))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    new_page: Callable[..., Page], api: httpx2.Client, scheme: str, user_id: str
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto("/")
    page.locator(".cards > li").first.wait_for()
    click_star(page, 0, "5")
    click_star(page, 1, "1")
    page.locator(".picks summary").first.click()
    page.locator(".filters summary").click()
    page.get_by_text("Western", exact=True).click()
    settled(page)
    page.get_by_label(re.compile("^What if: ")).first.fill("3")
    settled(page)
    assert page.evaluate(FAINT_TEXT) == []
    page.get_by_role("button", name="Change").click()
    assert page.evaluate(FAINT_TEXT) == []
    page.keyboard.press("Escape")
    open_user(page, user_id)
    assert page.evaluate(FAINT_TEXT) == []
    page.goto("/#/reports")
    page.get_by_label("By").wait_for()
    assert page.evaluate(FAINT_TEXT) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(new_page: Callable[..., Page], user_id: str, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 740})
    page.goto("/")
    page.locator(".cards > li").first.wait_for()
    click_star(page, 0, "5")
    page.locator(".picks summary").first.click()
    page.locator(".filters summary").click()
    page.get_by_label(re.compile("^What if: ")).first.fill("3")
    settled(page)
    fits(page, width)
    page.get_by_role("button", name="Change").click()
    fits(page, width)
    page.keyboard.press("Escape")
    open_user(page, user_id)
    fits(page, width)
    page.locator(".picks .title").first.click()
    page.locator(".alike a").first.wait_for()
    fits(page, width)
    page.goto("/#/reports")
    page.get_by_label("By").wait_for()
    fits(page, width)


def fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT_OFF, width) == []  # but in what is there to be pushed


def test_rows_glide_unless_motion_is_unwanted(new_page: Callable[..., Page]) -> None:
    num: dict[str, Any] = {}
    for motion in ("no-preference", "reduce"):
        page = new_page(reduced_motion=motion)
        page.goto("/")
        page.locator(".cards > li").first.wait_for()
        page.evaluate(COUNT_GLIDES)
        click_star(page, 0, "5")
        num[motion] = page.evaluate("globalThis.num")
    assert num["no-preference"] > 0
    assert num["reduce"] == 0


@pytest.fixture
def user_id(api: httpx2.Client) -> str:
    """A user with a long name and ratings."""
    return quoted(new_user(api))
