"""`palate keep-out`: what was erased or deleted on purpose. What a command needs is imported when it runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.database.commands import on_database

if TYPE_CHECKING:
    from app.keep_out.service import Kind

commands = typer.Typer(
    no_args_is_help=True, help="Keep ids of erased users and deleted items out, or let them in again."
)
KindArgument = Annotated[str, typer.Argument(help="`user` or `item`.", metavar="user|item")]
IdArgument = Annotated[str, typer.Argument(help="Your id of the user or item.", metavar="ID")]


@commands.command("list")
def list_kept_out() -> None:
    """List what is kept out: kinds and dates. Which ids they are cannot be told from their hashes."""
    from app.keep_out import repository
    from app.keep_out.service import KeepOut
    from app.settings import Settings

    keep_out = KeepOut.of(Settings())
    rows = on_database(lambda database: database.read(repository.list_all))
    for row in rows:
        other = keep_out.secret and row.secret_id != keep_out.secret_id
        note = "  hashed with another secret: not refused" if other else ""
        typer.echo(f"{row.kind:<4}  {row.kept_at:%Y-%m-%dT%H:%M:%SZ}  {row.hash[:12]}{note}")
    state = "" if keep_out.secret else " PALATE_KEEP_OUT is not set: nothing is refused."
    typer.echo(f"{len(rows)} kept out.{state}", err=True)


@commands.command()
def add(kind: KindArgument, external_id: IdArgument) -> None:
    """Keep an id out that is not here, e.g. of a user who was erased before PALATE_KEEP_OUT was set."""
    from datetime import UTC, datetime

    from app.keep_out.service import KeepOut
    from app.settings import Settings

    keep_out, known = KeepOut.of(Settings()), parse(kind)
    is_new = on_database(lambda database: database.write(keep_out.add, known, external_id, datetime.now(UTC)))
    typer.echo("Kept out from now on." if is_new else "It is kept out already.")


@commands.command()
def lift(kind: KindArgument, external_id: IdArgument) -> None:
    """Let an id in again."""
    from app.keep_out.service import KeepOut
    from app.settings import Settings

    keep_out, known = KeepOut.of(Settings()), parse(kind)
    if not on_database(lambda database: database.write(keep_out.lift, known, external_id)):
        typer.echo(f"palate: this {kind} is not kept out.", err=True)
        raise typer.Exit(1)
    typer.echo("Allowed again.")


def parse(kind: str) -> "Kind":
    """Read a kind, or end the command."""
    from app.keep_out.service import Kind

    try:
        return Kind(kind)
    except ValueError:
        raise typer.BadParameter(f"{kind!r} is neither `user` nor `item`") from None
