"""The sample catalogue: real films, with year and genres, written down for Palate."""

import csv
import re
import unicodedata
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Film:
    """A film of the sample catalogue."""

    title: str
    year: int
    genres: tuple[str, ...]

    @property
    def item_id(self) -> str:
        """Name the film: `the-matrix-1999`."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower().replace("'", "")
        return "-".join([*re.findall("[a-z0-9]+", plain), str(self.year)])


def read_films() -> list[Film]:
    """Read the catalogue, oldest film first."""
    with files("app.sample").joinpath("films.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [Film(row["title"], int(row["year"]), tuple(row["genres"].split("|"))) for row in rows]
