"""`palate import` and `palate export`. What they need is imported when they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.transfer.problems import MAX_REFUSED, TransferProblem

REFUSED_EXIT = 3  # nothing was taken, or too little


class ImportFormat(StrEnum):
    """What the file is."""

    AUTO = "auto"
    CSV = "csv"
    DAT = "dat"
    ML_100K = "ml-100k"
    NDJSON = "ndjson"
    JSON = "json"
    PARQUET = "parquet"


class ExportFormat(StrEnum):
    """What to write."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class Kind(StrEnum):
    """What the rows are."""

    RATINGS = "ratings"
    ITEMS = "items"


class DateOrder(StrEnum):
    """The order of day, month and year."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


def option(help_text: str, *names: str) -> Any:
    """Describe an option."""
    return typer.Option(*names, help=help_text)


def import_command(
    path: Annotated[Path, typer.Argument(help="A file, or a folder or zip with ratings.csv, movies.csv and the like.")],
    form: Annotated[ImportFormat, option("auto: found out from the file.", "--format")] = ImportFormat.AUTO,
    kind: Annotated[Kind | None, option("What its rows are; by default found out.")] = None,
    items: Annotated[Path | None, option("A file of items to import with it.")] = None,
    user: Annotated[str | None, option("Whose ratings they are, of a file of one user.")] = None,
    value: Annotated[str | None, option("The rating that each row stands for, of a file without values.")] = None,
    column: Annotated[list[str] | None, option("FIELD=COLUMN, e.g. user_id=uid; may be repeated.")] = None,
    columns: Annotated[str | None, option("The places of user, item, value and date, e.g. 1,2,3 or 2,1,,4.")] = None,
    header: Annotated[bool, option("Whether the first line names the columns.", "--header/--no-header")] = True,
    words: Annotated[list[str] | None, option("What words mean: up=5,down=1, or as JSON.", "--map")] = None,
    unrated: Annotated[str | None, option("Values that mean not rated, e.g. 0,-1; '' is an empty one.")] = None,
    timezone: Annotated[
        str | None, option("Of dates without a zone, e.g. Europe/Berlin, +02:00; by default UTC.")
    ] = None,
    date_order: Annotated[DateOrder | None, option("Of dates such as 03/04/2021 or 03/04/21.")] = None,
    rescale: Annotated[str | None, option("MIN:MAX of the file, stretched over the own scale.")] = None,
    match_titles: Annotated[
        bool,
        option(
            "Take a title and year that the catalogue has for its item, whatever id the file has.", "--match-titles"
        ),
    ] = False,
    max_refused: Annotated[float, option("The share of rows that may be refused: else exit code 3.")] = MAX_REFUSED,
    refused: Annotated[Path, option("Where refused rows are written.")] = Path("refused.ndjson"),
    dry_run: Annotated[bool, option("Show what would be stored, and store nothing.", "--dry-run")] = False,
) -> None:
    """Import ratings and items. Running it again changes nothing.

    Exit code 0: something was taken, and at most --max-refused of the rows were refused. 2: the file cannot be read as
    it is. 3: nothing was taken, or more rows were refused.
    """
    from app.settings import Settings
    from app.transfer.options import parse_options
    from app.transfer.run_import import dry_run_path, import_path

    with failing_clearly():
        options = parse_options(
            form=str(form),
            kind=kind and str(kind),
            column=column or [],
            columns=columns,
            has_header=header,
            user=user,
            value=value,
            words=words or [],
            unrated=unrated,
            timezone=timezone,
            date_order=date_order and str(date_order),
            rescale=rescale,
            max_refused=max_refused,
            match_titles=match_titles,
        )
        if dry_run:
            summary = dry_run_path(Settings(), path, options=options, items=items)
        else:
            summary = import_path(Settings(), path, options=options, items=items, refused=refused)
    if problem := summary.problem(max_refused, is_dry_run=dry_run):
        typer.echo(f"Error: {problem}", err=True)
        raise typer.Exit(REFUSED_EXIT)


def export_command(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    path: Annotated[Path, typer.Argument(help="Where to; - is standard output.")],
    form: Annotated[ExportFormat | None, typer.Option("--format", help="By default from the name.")] = None,
) -> None:
    """Export ratings or items; `palate import` of the file gives the same back."""
    from app.settings import Settings
    from app.transfer.run import export_path

    with failing_clearly():
        export_path(Settings(), str(kind), path, form and str(form))


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn what the caller can mend into a sentence and exit code 2."""
    try:
        yield
    except (TransferProblem, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None


def register(app: typer.Typer) -> None:
    """Add both commands to the command line."""
    app.command("import")(import_command)
    app.command("export")(export_command)
