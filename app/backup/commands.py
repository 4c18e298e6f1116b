"""`palate backup` and `palate restore`. What they need is imported when they run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="The backup, a tar archive; - is standard output or input.")]


def backup(file: File) -> None:
    """Write the database and its model versions to a file, while servers and workers go on.

    PostgreSQL's own pg_dump is used: it must be installed here, of the server's version or later.
    """
    from app.backup.service import back_up
    from app.settings import Settings

    settings = Settings()
    with show_bytes("Backing up", None) as progress:
        manifest = back_up(settings, file, progress)
    say(f"Backed up: the database and {count(len(manifest.versions))}.")
    if manifest.missing:
        say(f"Not in the store, so not in the backup: {', '.join(manifest.missing)}.")
    if settings.keep_out:
        say("PALATE_KEEP_OUT is a setting, and not in the backup: keep it elsewhere.")


def restore(
    file: File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up what the database holds now for the backup.")
    ] = False,
) -> None:
    """Put a backup in the place of the database and the model store. Servers and workers must not run."""
    from datetime import UTC, datetime

    from app.backup.service import restore as run
    from app.settings import Settings

    with show_bytes("Checking", file.stat().st_size if file.is_file() else None) as progress:
        restored = run(Settings(), file, progress, replace=replace)
    manifest = restored.manifest
    taken_at = datetime.fromtimestamp(manifest.taken_at_us / 1e6, UTC).isoformat(" ", "seconds")
    say(f"Restored: the database as of {taken_at}, and {count(len(manifest.versions))}.")
    if restored.missing:
        say(f"Without files, here and in the backup: {', '.join(restored.missing)}.")
    say(
        "What was stored after that moment is gone, and users erased since are back: erase them again. Cursors and"
        " recommendation ids of that time are refused from now on. Now start the servers and workers."
    )


def say(sentence: str) -> None:
    """Print a sentence; standard output may be the backup."""
    typer.echo(sentence, err=True)


@contextmanager
def show_bytes(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many bytes are done, of a total that may be unknown."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda num_bytes: progress.advance(task, num_bytes)


def count(number: int) -> str:
    """Write a number of model versions."""
    return f"{number} model version" + ("" if number == 1 else "s")
