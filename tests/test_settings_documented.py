"""docs/reference/settings.md says what app/settings.py says."""

import pytest

from app.settings import Settings
from scripts.docs.pages import DOCS

ROWS = [line for line in (DOCS / "reference/settings.md").read_text().splitlines() if line.startswith("| `PALATE_")]


def test_every_setting_is_documented_once() -> None:
    assert sorted(row.split("`")[1] for row in ROWS) == sorted(
        f"PALATE_{name.upper()}" for name in Settings.model_fields
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_page_says_what_a_setting_is_for(name: str) -> None:
    row = next(row for row in ROWS if f"`PALATE_{name.upper()}`" in row)
    assert row.endswith(f" | {(Settings.model_fields[name].description or '').replace('|', chr(92) + '|')} |")


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("setting", "value", "default"),
    [
        ("PALATE_PORT", "whole number from 0 to 65535", "`8000`"),
        ("PALATE_TRAIN_INTERVAL", "duration above 0", "`PT15M`"),
        ("PALATE_TRAIN_CRON", "text", "unset"),
        ("PALATE_LOG_FORMAT", "`auto`, `json`, `console`", "`auto`"),
    ],
)
def test_the_page_says_what_a_setting_may_be(setting: str, value: str, default: str) -> None:
    assert [row for row in ROWS if row.startswith(f"| `{setting}` | {value} | {default} | ")] != []
