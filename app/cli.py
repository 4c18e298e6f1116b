"""The command `palate`. Each command imports what it needs only when it runs, so that a small one answers at once."""

import gc
import os
from typing import Annotated

import typer

from app.backup.commands import backup, restore
from app.comparison.commands import compare
from app.erasure.commands import erase, erasures
from app.experiments.commands import commands as experiments
from app.keep_out.commands import commands as keep_out
from app.keys.commands import commands as keys
from app.kit.exits import one_line_errors
from app.offline.commands import recommend
from app.registry.commands import commands as models
from app.training.commands import train
from app.transfer.commands import register as register_transfer

SMALL = {
    "keys",
    "keep-out",
    "models",
    "experiments",
    "erase",
    "erasures",
    "migrate",
    "import",
    "export",
    "backup",
    "restore",
}
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(keys, name="keys")
app.add_typer(keep_out, name="keep-out")
app.add_typer(models, name="models")
app.add_typer(experiments, name="experiments")
app.command()(train)
app.command()(compare)
app.command()(recommend)
app.command()(erase)
app.command()(erasures)
app.command()(backup)
app.command()(restore)
register_transfer(app)


@app.callback()
def begin(context: typer.Context) -> None:
    """Turn garbage collection off for a small command: it would take a seventh of its time.

    Import and export turn it on again when they have loaded what they need.
    """
    if context.invoked_subcommand in SMALL:
        gc.disable()


@app.command()
def up(
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the lines of the API and the trainer here, not in a log file.")
    ] = False,
) -> None:
    """Start everything: migrations, a sample if the database is empty, a first model, the API and the trainer."""
    from app.launch.port import is_free
    from app.settings import Settings

    settings = Settings()
    if not is_free(settings):
        raise typer.Exit(1)
    from app.launch.up import up as start

    raise typer.Exit(start(settings, verbose))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")] = False,
) -> None:
    """Look at all that Palate needs, and say what to mend. Exit code 0: all is well; 1: something is to be mended."""
    from app.launch.doctor.run import doctor as run
    from app.settings import Settings

    raise typer.Exit(run(Settings(), as_json))


@app.command()
def serve() -> None:
    """Serve the API."""
    for library in ("OMP", "OPENBLAS", "MKL"):  # one computing thread a server process: more raise the slowest answers
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from app.launch.serve import serve as start
    from app.settings import Settings

    raise typer.Exit(start(Settings()))


@app.command()
def worker() -> None:
    """Train in the background: on schedule, after enough changes, and on request."""
    from app.worker import run_worker

    run_worker()


@app.command()
def migrate() -> None:
    """Bring the database's tables up to this version."""
    import asyncio

    from app.launch.prepare import migrate as run
    from app.settings import Settings

    asyncio.run(run(Settings()))


@app.command()
def sample() -> None:
    """Store the sample, real films with synthetic ratings, if the database is empty."""
    import asyncio

    from app.launch.prepare import sample as run
    from app.settings import Settings

    asyncio.run(run(Settings()))


def main() -> None:
    """Run a command; an expected error ends it with one line."""
    with one_line_errors():
        app()


if __name__ == "__main__":
    main()
