"""The command `palate recommend`. Its modules are imported only when it runs."""

from pathlib import Path
from typing import Annotated

import typer

ANY = "NAME=VALUE: any parameter of GET /v1/users/{user}/recommendations, as there; may be repeated."


def recommend(
    user: Annotated[str | None, typer.Argument(help="A user's id.")] = None,
    all_users: Annotated[bool, typer.Option("--all", help="Recommend to every user in the database.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .parquet, .ndjson or .csv; - is NDJSON on standard output.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Items per user.")] = 10,
    category: Annotated[list[str] | None, typer.Option(help="Only items in any of these; may be repeated.")] = None,
    exclude_category: Annotated[list[str] | None, typer.Option(help="No items in any of these.")] = None,
    include_rated: Annotated[bool, typer.Option("--include-rated", help="Recommend rated items too.")] = False,
    option: Annotated[list[str] | None, typer.Option(help=ANY)] = None,
) -> None:
    """Recommend without a server, with the same results: to one user, or to all into a file."""
    from app.kit import logs
    from app.offline.run import recommend_one, recommend_to_file
    from app.settings import Settings

    if (user is None) != all_users:
        raise typer.BadParameter("name one user, or --all")
    if all_users and output is None:
        raise typer.BadParameter("--all needs --output FILE", param_hint="--output")
    parameters = [("limit", str(limit)), ("include_rated", str(include_rated))]
    parameters += [("category", each) for each in category or []]
    parameters += [("exclude_category", each) for each in exclude_category or []]
    parameters += [parse_option(each) for each in option or []]
    settings = Settings()
    logs.configure(settings.model_copy(update={"log_level": "warning"}))
    if output is None:
        recommend_one(settings, user or "", parameters)
    else:
        recommend_to_file(settings, user, parameters, output)


def parse_option(text: str) -> tuple[str, str]:
    """Read NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text}: write NAME=VALUE", param_hint="--option")
    return name, value
