"""docs/pictures/ is what `python -m scripts.pictures` draws; docs/explanation shows every picture and every kind."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from models.kinds.registry import KINDS
from scripts.pictures.kinds import PICTURES

DOCS = Path(__file__).parent.parent / "docs"
MODELS = (DOCS / "explanation/models.md").read_text()
ARCHITECTURE = (DOCS / "explanation/architecture.md").read_text()
LARGEST = 12_000  # bytes


@pytest.mark.parametrize("name", PICTURES)
def test_a_committed_picture_is_what_the_script_draws(name: str) -> None:
    assert (DOCS / "pictures" / f"{name}.svg").read_text() == PICTURES[name]().svg()


def test_no_drawing_is_left_that_nothing_draws() -> None:
    assert {path.stem for path in (DOCS / "pictures").glob("*.svg")} == set(PICTURES)


def test_the_pages_show_every_picture_once_and_say_in_words_what_is_in_it() -> None:
    shown = re.findall(r"^!\[([^\]]{20,})\]\(\.\./pictures/(.+)\.svg\)$", MODELS + ARCHITECTURE, flags=re.MULTILINE)
    assert sorted(name for _, name in shown) == sorted(PICTURES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_section_with_its_picture_and_a_paragraph(kind: str) -> None:
    section = re.split(r"^#+ ", MODELS.split(f"\n### {kind}\n")[1], flags=re.MULTILINE)[0]
    assert f"](../pictures/{kind}.svg)" in section
    assert len(section.split(".svg)")[1].split()) > 30


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_and_needs_nothing_from_elsewhere(name: str) -> None:
    svg = (DOCS / "pictures" / f"{name}.svg").read_text()
    assert len(svg.encode()) < LARGEST
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme:dark" in svg


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_drawn_outside_of_a_picture(name: str) -> None:
    picture = ElementTree.fromstring(PICTURES[name]().svg())
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    for text in picture.iter("{http://www.w3.org/2000/svg}text"):
        left, right = extent(text)
        assert left >= 8, text.text
        assert right <= width - 8, text.text
        assert float(text.attrib["y"]) <= height - 8, text.text


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """Say from where to where a line of text goes at most, in a wide font."""
    x, size = float(text.attrib["x"]), float(text.attrib.get("font-size", 13))
    length = len(text.text or "") * size * (0.68 if "font-weight" in text.attrib else 0.6)
    before = {"end": 1.0, "middle": 0.5}.get(text.attrib.get("text-anchor", ""), 0.0)
    return x - before * length, x + (1 - before) * length
