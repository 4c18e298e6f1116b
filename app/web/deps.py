"""What a router may ask for.

The functions are async although they wait for nothing: FastAPI sends plain ones to a thread, which costs more than most
routes do.
"""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.database.engine import Database
from app.settings import Settings


async def get_settings(request: Request) -> Settings:
    """Return the settings this process was started with."""
    return cast("Settings", request.app.state.settings)


async def get_database(request: Request) -> Database:
    """Return the database: `read` and `write` each run one function in one transaction."""
    return cast("Database", request.app.state.database)


SettingsDep = Annotated[Settings, Depends(get_settings)]
DatabaseDep = Annotated[Database, Depends(get_database)]
