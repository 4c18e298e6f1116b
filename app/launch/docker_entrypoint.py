"""What the compose file runs once before the servers: `prepare`; and `show-first-key` to read the key it made."""

import asyncio
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from app.database.engine import open_database
from app.keys import service
from app.keys.commands import write_secret
from app.keys.scopes import Scope
from app.kit.exits import one_line_errors
from app.launch import prepare
from app.settings import Settings

FIRST_KEY = Path("keys/first-key")
READABLE_S = 24 * 60 * 60  # how long the first key's file stays
KEY_CREATED = "Key: the first one was made. Read it with: docker compose run --rm --no-deps migrate show-first-key"
KEY_EXISTS = "Key: there is one already."


async def prepare_container(settings: Settings) -> None:
    """Run migrations, make the first key, store the sample if PALATE_SAMPLE asks for it."""
    await prepare.migrate(settings)
    remove_old_file(FIRST_KEY)
    print(KEY_CREATED if await make_first_key(settings) else KEY_EXISTS)  # noqa: T201
    if os.environ.get("PALATE_SAMPLE") not in {None, "", "0"}:
        await prepare.sample(settings)


def remove_old_file(file: Path) -> None:
    """Remove the file of the first key a day after it was made; the key stays valid."""
    with suppress(FileNotFoundError):
        if time.time() - file.stat().st_mtime > READABLE_S:
            file.unlink()


def show_first_key() -> None:
    """Print the first key, while its file is there."""
    if not FIRST_KEY.exists():
        sys.exit(
            "There is no file of the first key: it is removed a day after it was made. Make another key with:"
            " docker compose exec api palate keys create --name NAME --scope read --scope write"
        )
    print(FIRST_KEY.read_text(), end="")  # noqa: T201


async def make_first_key(settings: Settings) -> bool:
    """Make the first key, if none was ever made."""
    database = open_database(settings.database_url, 1)
    try:
        return await database.write(first_key_to_file)
    finally:
        await database.close()


def first_key_to_file(session: Session) -> bool:
    """Make a key with every scope and write it to a file of the volume, never to the log: both or neither."""
    key = service.create_first(session, "first", list(Scope))
    if key:
        write_secret(FIRST_KEY, key.secret)
    return key is not None


def main() -> None:
    """Run `prepare` or `show-first-key`."""
    if sys.argv[1:] == ["prepare"]:
        with one_line_errors():
            asyncio.run(prepare_container(Settings()))
    elif sys.argv[1:] == ["show-first-key"]:
        show_first_key()
    else:
        sys.exit("usage: python -m app.launch.docker_entrypoint prepare | show-first-key")


if __name__ == "__main__":
    main()
