"""Every decision has the sections of docs/decisions/template.md that cannot be left out."""

from pathlib import Path

import pytest

from scripts.docs.decisions import FOLDER

DECISIONS = sorted(FOLDER.glob("0*.md"))
SECTIONS = ["## Status", "## Context", "## Decision", "## Alternatives"]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_sections_in_order(page: Path) -> None:
    assert [line for line in page.read_text().splitlines() if line in SECTIONS] == SECTIONS


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_begins_with_its_number(page: Path) -> None:
    assert page.read_text().startswith(f"# {int(page.stem[:4])}. ")
