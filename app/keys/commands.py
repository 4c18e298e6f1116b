"""`palate keys`: make, list, rotate and revoke keys. What a command needs is imported when it runs."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.database.commands import on_database
from app.keys.expiry import parse_expiry, parse_lifetime
from app.keys.scopes import Scope

if TYPE_CHECKING:
    from app.keys.service import NewKey

GRACE = "How long the old key works on, e.g. 24h or 7d."
Expires = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_expiry, metavar="TIME", help="When it expires: e.g. 24h, 90d or 2027-01-31; never if left out."
    ),
]

commands = typer.Typer(
    no_args_is_help=True, help="Make, list, rotate and revoke the keys that callers send as X-API-Key."
)


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="Whose key it is.", min=1)],
    scope: Annotated[list[Scope], typer.Option(help="What it allows; repeat for several.")],
    first: Annotated[bool, typer.Option("--first", help="Only if no key was made before.")] = False,
    file: Annotated[Path | None, typer.Option(help="Write the key to this file instead of showing it.")] = None,
    expires: Expires = None,
) -> None:
    """Make a key. It is shown once and stored only as its SHA-256."""
    from app.keys import service

    make = service.create_first if first else service.create
    made = on_database(lambda database: database.write(make, name[:100], scope, expires))
    if made is None:
        typer.echo("There is a key already; none was made.")
    else:
        hand_out(made, file)


@commands.command()
def rotate(
    key_id: Annotated[int, typer.Argument(metavar="ID")],
    grace: Annotated[timedelta, typer.Option(parser=parse_lifetime, metavar="TIME", help=GRACE)] = "24h",  # type: ignore[assignment]
    file: Annotated[Path | None, typer.Option(help="Write the key to this file instead of showing it.")] = None,
    expires: Expires = None,
) -> None:
    """Make the successor of a key, with its name and scopes; the old one works on for a while, then expires."""
    from app.keys import service

    made = on_database(lambda database: database.write(service.rotate, key_id, grace, expires))
    if made is None:
        raise no_such_key(key_id)
    hand_out(made, file)


def hand_out(made: "NewKey", file: Path | None) -> None:
    """Show a key just made, or write it to a file."""
    if file:
        write_secret(file, made.secret)
        typer.echo(f"Key {made.id} was made and written to {file}.")
    else:
        typer.echo(made.secret)
        typer.echo(f"Key {made.id}. Keep it: it is not shown again.", err=True)


def no_such_key(key_id: int) -> typer.Exit:
    """Return the exit of a command for whose key there is none, and print that."""
    typer.echo(f"palate: there is no key {key_id} that still works; `palate keys list` shows them.", err=True)
    return typer.Exit(1)


@commands.command("list")
def list_keys() -> None:
    """List the keys, without what they are."""
    from rich.console import Console
    from rich.table import Table

    from app.keys import repository

    table = Table("id", "name", "scopes", "created", "expires", "last used", "revoked")
    for key in on_database(lambda database: database.read(repository.list_keys)):
        times = (key.created_at, key.expires_at, key.last_used_at, key.revoked_at)
        shown = (moment.strftime("%Y-%m-%d %H:%M") if moment else "" for moment in times)
        table.add_row(str(key.id), key.name, " ".join(key.scopes), *shown)
    Console().print(table)


@commands.command()
def revoke(key_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Revoke a key; servers refuse it within PALATE_POLL_INTERVAL."""
    from app.keys import service

    if not on_database(lambda database: database.write(service.revoke, key_id)):
        raise no_such_key(key_id)
    typer.echo(f"Key {key_id} is revoked.")


def write_secret(file: Path, secret: str) -> None:
    """Write a key to a file that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_text(secret + "\n")
