"""`palate import` and `palate export`. What they need is imported when they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.transfer.problems import TransferProblem


class ImportFormat(StrEnum):
    """What the file is."""

    AUTO = "auto"
    CSV = "csv"
    DAT = "dat"
    ML_100K = "ml-100k"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class ExportFormat(StrEnum):
    """What to write."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class Kind(StrEnum):
    """What to export."""

    RATINGS = "ratings"
    ITEMS = "items"


def import_command(
    path: Annotated[Path, typer.Argument(help="A file, or a folder or zip of MovieLens or MovieTweetings.")],
    form: Annotated[ImportFormat, typer.Option("--format", help="auto: found out from the file.")] = ImportFormat.AUTO,
    items: Annotated[Path | None, typer.Option(help="A file of items to import with it.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN, e.g. user_id=uid; may be repeated.")] = None,
    refused: Annotated[Path, typer.Option(help="Where refused rows are written.")] = Path("refused.ndjson"),
    rescale: Annotated[str | None, typer.Option(help="MIN:MAX of the file, stretched over the own scale.")] = None,
) -> None:
    """Import ratings and items. Running it again changes nothing."""
    from app.settings import Settings
    from app.transfer.run import import_path

    with failing_clearly():
        import_path(Settings(), path, form=str(form), items=items, renames=column, refused=refused, rescale=rescale)


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
