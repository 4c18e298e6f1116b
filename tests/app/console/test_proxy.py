"""The page behind a real nginx that shows it below a path, which nginx cuts off or not."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.app.console.driving import click_star, titles
from tests.app.console.serving import Serving
from tests.nginx import MISSING, find_nginx, nginx

CALL_AS_OPENAPI_SAYS = """async path => {
  const document = await (await fetch(path)).json();
  const answer = await fetch(document.servers[0].url + "/v1/items?limit=1");
  return [document.servers[0].url, (await answer.json()).items.length];
}"""


@pytest.fixture(scope="module")
def proxy(sample_server: Serving) -> Iterator[str]:
    """Address of an nginx with the sample's server below three paths."""
    if find_nginx() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    told = Serving(sample_server.settings.model_copy(update={"root_path": "/kept"}))
    locations = {
        "/cut/": f"proxy_pass {sample_server.url}/; proxy_set_header X-Forwarded-Prefix /cut;",
        "/named/below/": f"proxy_pass {sample_server.url}; proxy_set_header X-Forwarded-Prefix /named/below;",
        "/kept": f"proxy_pass {told.url};",
        "/silent/": f"proxy_pass {sample_server.url}/;",
    }
    with TemporaryDirectory() as folder, nginx(locations, Path(folder)) as address:
        yield address
    told.stop()


@pytest.mark.parametrize("path", ["/cut/", "/named/below/", "/kept", "/silent/"])
def test_the_page_its_documentation_and_calls_work_below_a_path(
    proxy: str, new_page: Callable[..., Page], path: str
) -> None:
    page, prefix = new_page(proxy), path.rstrip("/")
    page.goto(path)
    page.locator(".picks > li").first.wait_for()
    before = titles(page)
    click_star(page, 0, "5")
    assert titles(page) != before
    expect(page.get_by_role("link", name="API")).to_have_js_property("href", f"{proxy}{prefix}/docs")
    assert httpx2.head(f"{proxy}{prefix}/health/ready").status_code == 200
    if path != "/silent/":  # without a word from nginx or the settings, nothing says where OpenAPI should point
        assert page.evaluate(CALL_AS_OPENAPI_SAYS, f"{prefix}/openapi.json") == [prefix, 1]
        assert f'data-url="{prefix}/openapi.json"' in httpx2.get(f"{proxy}{prefix}/docs").text
