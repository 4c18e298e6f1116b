"""The commands `palate erase` and `palate erasures`."""

from typing import Annotated, Any

import typer

from app.database.commands import on_database


def erase(
    user: Annotated[str, typer.Argument(help="Your id of the user.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a user and all their rows, for good. Shows the receipt, as JSON; keep its erasure_id."""
    from app.erasure import service
    from app.erasure.schemas import ErasedOut
    from app.keep_out.service import KeepOut
    from app.settings import Settings

    if not yes:
        typer.confirm("All ratings of this user will be deleted for good. Continue?", abort=True)
    settings = Settings()
    keep_out = KeepOut.of(settings)
    receipt = on_database(lambda database: service.erase_user(database, settings.model_store, user, keep_out))
    typer.echo(ErasedOut.of_new(receipt, keep_out).model_dump_json(indent=2))


def erasures(erasure_id: Annotated[str, typer.Argument(help="erasure_id of the receipt.")]) -> None:
    """Show the current receipt of an erasure: which versions still hold the user."""
    from app.erasure import service

    show(on_database(lambda database: database.read(service.get_receipt, erasure_id)))


def show(receipt: Any) -> None:
    """Print a receipt in the form of the API."""
    from app.erasure.schemas import ReceiptOut

    typer.echo(ReceiptOut.of(receipt).model_dump_json(indent=2))
