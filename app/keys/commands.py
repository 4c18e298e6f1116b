"""`palate keys`: make, list and revoke keys. What a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from app.database.commands import on_database
from app.keys.scopes import Scope

commands = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys that callers send as X-API-Key.")


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="Whose key it is.", min=1)],
    scope: Annotated[list[Scope], typer.Option(help="What it allows; repeat for several.")],
    first: Annotated[bool, typer.Option("--first", help="Only if no key was made before.")] = False,
    file: Annotated[Path | None, typer.Option(help="Write the key to this file instead of showing it.")] = None,
) -> None:
    """Make a key. It is shown once and stored only as its SHA-256."""
    from app.keys import service

    make = service.create_first if first else service.create
    made = on_database(lambda database: database.write(make, name[:100], scope))
    if made is None:
        typer.echo("There is a key already; none was made.")
    elif file:
        write_secret(file, made.secret)
        typer.echo(f"Key {made.id} was made and written to {file}.")
    else:
        typer.echo(made.secret)
        typer.echo(f"Key {made.id}. Keep it: it is not shown again.", err=True)


@commands.command("list")
def list_keys() -> None:
    """List the keys, without what they are."""
    from rich.console import Console
    from rich.table import Table

    from app.keys import repository

    table = Table("id", "name", "scopes", "created", "revoked")
    for key in on_database(lambda database: database.read(repository.list_keys)):
        revoked = key.revoked_at.isoformat(" ", "seconds") if key.revoked_at else ""
        table.add_row(str(key.id), key.name, " ".join(key.scopes), key.created_at.isoformat(" ", "seconds"), revoked)
    Console().print(table)


@commands.command()
def revoke(key_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Revoke a key; servers refuse it within PALATE_POLL_INTERVAL."""
    from app.keys import service

    if not on_database(lambda database: database.write(service.revoke, key_id)):
        typer.echo(f"palate: there is no key {key_id} that still works; `palate keys list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Key {key_id} is revoked.")


def write_secret(file: Path, secret: str) -> None:
    """Write a key to a file that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_text(secret + "\n")
