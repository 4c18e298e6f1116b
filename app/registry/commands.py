"""The commands `palate models ...`."""

import getpass
import os
import socket
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.database.commands import on_database

commands = typer.Typer(no_args_is_help=True, help="Show the model versions, and activate one.")
Version = Annotated[str, typer.Argument(help="Name of the version, as shown by `palate models list`.")]


@commands.command("list")
def list_versions(
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of versions to show.")] = 20,
) -> None:
    """List the versions, newest first."""
    from rich.console import Console
    from rich.table import Column, Table

    from app.registry import service
    from app.registry.schemas import Version as Shown

    async def read(database: Any) -> list[Shown]:
        return Shown.all_of(await database.read(service.list_versions, None, limit))

    table = Table(Column("version", no_wrap=True), "state", "ndcg@10", "rmse", "ratings", "gate", box=None)
    for version in on_database(read):
        figures = [f"{version.metrics[name]:.4f}" if version.metrics.get(name) else "-" for name in ("ndcg@10", "rmse")]
        table.add_row(version.version, version.state, *figures, str(version.num_ratings), version.gate.get("reason"))
    Console().print(table)


@commands.command("show")
def show_version(version: Version) -> None:
    """Show a version with its metrics, as JSON."""
    from app.registry import service
    from app.registry.schemas import Version as Shown

    async def read(database: Any) -> Shown:
        return Shown.all_of(await database.read(service.show_version, version))[0]

    typer.echo(on_database(read).model_dump_json(indent=2))


@commands.command("activate")
def activate(
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="Activate it even if the gate refused it; this is recorded.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="The reason; stored with the activation.")] = None,
) -> None:
    """Make a version live, e.g. to roll back. Its files are checked first; every server loads it within seconds."""
    from app.registry import service, store
    from app.settings import Settings

    request = service.ActivationRequest(actor=operator(), reason=reason, force=force)

    async def change(database: Any) -> None:
        await database.read(service.check_allowed, version, force=force)
        store.verify(Settings().model_store, version)
        await database.write(service.activate, version, request, datetime.now(UTC))

    on_database(change)
    typer.echo(f"{version} is live")


@commands.command("holds")
def list_versions_of_user(user: Annotated[str, typer.Argument(help="Your id of the user.")]) -> None:
    """List the versions that hold a user's ratings, with the role of the ratings."""
    from app.registry import service, store
    from app.settings import Settings

    async def read(database: Any) -> Any:
        return await database.read(service.versions_of_user, user)

    number, listing = on_database(read)
    for row in listing.rows:
        if role := store.role_of(Settings().model_store, row.version, number):
            typer.echo(f"{row.version}  {role}" + ("  live" if row.version == listing.live else ""))


def operator() -> str:
    """Return the name of the user of the command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        name = f"user {os.getuid()}"
    return f"command line ({name} on {socket.gethostname()})"[:255]
