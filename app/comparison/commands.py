"""The command `palate compare`. Its modules are imported only when it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


def compare(
    ratings: Annotated[
        Path | None,
        typer.Option(help="A file or folder as for `palate import`; by default the ratings of the database."),
    ] = None,
    kinds: Annotated[str, typer.Option(help="Kinds of autoencoder, separated by commas.")] = "all",
    protocols: Annotated[
        str, typer.Option(help="Protocols, separated by commas: unseen, ratings, time.")
    ] = "unseen,ratings",
    seeds: Annotated[int, typer.Option(min=1, help="Number of splits.")] = 3,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("comparison"),
    epochs: Annotated[
        int | None, typer.Option(min=1, help="The maximum number of epochs; by default PALATE_TRAIN_EPOCHS.")
    ] = None,
    like: Annotated[
        float | None, typer.Option(help="The lowest rating that counts as liked; by default PALATE_LIKE_THRESHOLD.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Row to compare with; by default the best.")] = None,
    config: Annotated[list[str] | None, typer.Option(help="KIND.NAME=VALUE; may be repeated.")] = None,
    peers: Annotated[list[Path] | None, typer.Option(help="Rows measured elsewhere; may be repeated.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN of the file; may be repeated.")] = None,
    rescale: Annotated[str | None, typer.Option(help="MIN:MAX of the file, stretched to the declared scale.")] = None,
) -> None:
    """Train the kinds on the same splits and compare them: tables, plots, every test user's figures."""
    from app.comparison.request import make_request
    from app.comparison.run import compare as run
    from app.comparison.sources import read
    from app.settings import Settings

    with exit_on_problem():
        settings = Settings() if like is None else Settings(like_threshold=like)
        request = make_request(
            settings, kinds, protocols, seeds=range(seeds), epochs=epochs, configs=config or [], baseline=baseline
        )
        dataset = read(settings, ratings, column or [], rescale=rescale, refused=output / "refused.ndjson")
        status = run(settings, request, dataset, output=output, peer_files=peers or [])
    raise typer.Exit(status)


@contextmanager
def exit_on_problem() -> Iterator[None]:
    """Turn errors that the user can fix into a message and exit code 2."""
    from app.comparison.problems import ComparisonProblem
    from app.transfer.problems import TransferProblem

    try:
        yield
    except (ComparisonProblem, TransferProblem, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
