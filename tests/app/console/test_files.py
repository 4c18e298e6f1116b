"""The page and its files, as the server gives them."""

import re

import pytest
from starlette.testclient import TestClient

from app.console.router import ASSETS
from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_the_page_knows_the_declared_scale(settings: Settings) -> None:
    tens = settings.model_copy(update={"rating_min": 0.0, "rating_max": 10.0, "rating_step": 1.0})
    with TestClient(create_app(tens), base_url="http://localhost") as client:
        page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "{&quot;min&quot;: 0.0, &quot;max&quot;: 10.0, &quot;step&quot;: 1.0}" in page.text


def test_only_its_own_files_may_run_and_nothing_in_line(client: TestClient) -> None:
    for path in ("/", "/console/main.js"):
        policy = client.get(path).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_every_file_that_is_named_is_there_and_nothing_is_from_elsewhere(client: TestClient) -> None:
    page = client.get("/").text
    named = set(re.findall(r'(?:src|href)="console/([^"]+)"', page))
    for name, asset in ASSETS.items():
        text = asset.body.decode()
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import", text), name
        named |= set(re.findall(r'(?:from "\./|url\(")([^"]+)"', text))
    assert named == set(ASSETS)
    assert not re.findall(r"""https?://|(?:src|href)=["'](?!console/|docs|#)|<style|style=|<script>| on[a-z]+=""", page)


def test_every_module_is_asked_for_at_once(client: TestClient) -> None:
    page = client.get("/").text
    preloaded = set(re.findall(r'rel="modulepreload" href="console/([^"]+)"', page))
    assert preloaded == {name for name in ASSETS if name.endswith(".js")} - {"main.js"}


def test_a_file_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/console/main.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = client.get("/console/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/console/base.css", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_no_other_file_is_given(client: TestClient) -> None:
    for name in ("page.html", "router.py", "..%2Frouter.py", "%2Fetc%2Fpasswd"):
        response = client.get(f"/console/{name}")
        assert response.status_code == 404
        assert response.json()["type"] == "/problems/route-not-found"


def test_the_documentation_loads_its_own_files_only(client: TestClient) -> None:
    page = client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    named = re.findall(r'(?:src|href|data-url)="([^"]+)"', page.text)
    assert {"docs/swagger-ui-bundle.js", "docs/swagger-ui.css", "openapi.json"} <= set(named)
    for name in named:
        assert client.get(f"/{name}").status_code == 200
    assert not re.findall(r"""https?://|<style|style=|<script>| on[a-z]+=""", page.text)
    assert client.get("/docs/page.html").status_code == 404
