"""The page at `/`."""

import re

from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings


def get_page(settings: Settings) -> str:
    with TestClient(create_app(settings)) as client:
        response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    return response.text


def test_the_page_knows_the_declared_scale(settings: Settings) -> None:
    halves = settings.model_copy(update={"rating_min": 0.0, "rating_max": 10.0, "rating_step": 1.0})
    assert '{"min": 0.0, "max": 10.0, "step": 1.0}' in get_page(halves)


def test_the_page_needs_nothing_from_elsewhere(settings: Settings) -> None:
    assert not re.findall(r"""(?:src|href)=["'](?!/docs)|https?://|@import|url\(""", get_page(settings))
