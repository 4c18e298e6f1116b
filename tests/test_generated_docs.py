"""What docs/ has from the code is what `python -m scripts.docs` writes."""

import dataclasses
import re
from typing import Any

import pytest

from models.kinds.registry import KINDS
from scripts.docs.pages import DOCS, PAGES, page_text


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_the_script_writes(name: str) -> None:
    assert (DOCS / name).read_text() == page_text(name), "run `python -m scripts.docs`"


@pytest.mark.parametrize("command", ["import", "export", "train", "recommend", "keys create", "models activate"])
def test_a_command_has_a_section_with_its_usage(command: str) -> None:
    page = (DOCS / "reference/commands.md").read_text()
    assert f"# `palate {command}`" in page
    assert f"$ palate {command} " in page


def test_every_route_is_listed_with_its_scope() -> None:
    page = (DOCS / "reference/http.md").read_text()
    assert "| `GET /v1/users/{user_id}/recommendations` | Recommend to a user | `read` |" in page
    assert "| `POST /v1/models/{version}/activate` | Activate a version | `admin` |" in page
    assert "| `GET /health/live` | Live | none |" in page


@pytest.mark.parametrize("kind", KINDS)
def test_every_hyper_parameter_is_explained(kind: str) -> None:
    section = (DOCS / "explanation/models.md").read_text().split("### Hyper-parameters")[1].split("\n## ")[0]
    config: Any = KINDS[kind].config
    fields = {field.name for field in dataclasses.fields(config)} - {"num_items"}
    assert fields - set(re.findall(r"`(\w+)`", section)) == set()
