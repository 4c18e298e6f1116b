"""The page at /docs in a real Chromium: it can send a key, and loads nothing from elsewhere."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.keys.scopes import Scope
from tests.app.console.serving import Serving


def test_a_call_is_tried_with_a_key(new_server: Callable[..., Serving], new_page: Callable[..., Page]) -> None:
    server = new_server()
    key = server.make_key(Scope.READ)
    page = new_page(server.url)
    page.set_default_timeout(60_000)  # it draws every call of the document first
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#api_key_value").fill(key)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.locator(".btn-done").first.click()
    page.locator("[id$=v1_items_get]").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
