"""Write every picture to docs/pictures/."""

from pathlib import Path

from scripts.pictures.kinds import PICTURES

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"

for name, draw in PICTURES.items():
    (FOLDER / f"{name}.svg").write_text(draw().svg())
