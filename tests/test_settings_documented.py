"""docs/settings.md says what app/settings.py says. `python -m tests.test_settings_documented` prints its table."""

from pathlib import Path

from pydantic.fields import FieldInfo

from app.settings import Settings

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"


def row(name: str, field: FieldInfo) -> str:
    """Write a setting as the table has it."""
    default = field.get_default(call_default_factory=True)
    shown = "unset" if default is None else f"`{default}`"
    description = (field.description or "").replace("|", "\\|")
    return f"| `PALATE_{name.upper()}` | {shown} | {description} |"


def rows() -> list[str]:
    return [row(name, field) for name, field in Settings.model_fields.items()]


def test_every_setting_is_documented_as_it_is() -> None:
    documented = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `PALATE_")]
    assert documented == rows()


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


if __name__ == "__main__":
    print("\n".join(rows()))  # noqa: T201
