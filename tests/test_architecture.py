"""docs/explanation/architecture.md names every top module and every package, and nothing else; folders stay small."""

import re
from collections import Counter
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_FILES = 12
LAYOUT = (ROOT / "docs/explanation/architecture.md").read_text().split("## Layout")[1].split("\n\n")[0]


def named_under(folder: str) -> set[str]:
    """Return what the layout names inside a folder of the top level, in the first of its two columns."""
    block = re.split(rf"^    {folder}/", LAYOUT, flags=re.MULTILINE)[1]
    inside = takewhile(lambda line: line.startswith("      "), block.split("\n")[1:])
    return {name for line in inside if line[6] != " " for name in re.split("  +", line.strip())[0].split()}


def there_under(folder: str) -> set[str]:
    """Return what really is inside a folder."""
    modules = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
    return modules | {path.parent.name + "/" for path in (ROOT / folder).glob("*/__init__.py")}


def test_the_layout_names_what_is_in_app() -> None:
    assert named_under("app") == there_under("app")


def test_the_layout_names_what_is_in_models() -> None:
    assert named_under("models") == there_under("models")


def test_a_folder_is_read_at_a_glance() -> None:
    modules = [path for top in ("app", "models") for path in (ROOT / top).rglob("*.py") if path.name != "__init__.py"]
    sizes = Counter(str(path.parent.relative_to(ROOT)) for path in modules)
    del sizes["models/kinds"]  # one file a kind
    assert {folder: size for folder, size in sizes.items() if size > MAX_FILES} == {}
