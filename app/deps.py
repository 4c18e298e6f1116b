"""What a router may ask for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.db import Database
from app.settings import Settings


def get_settings(request: Request) -> Settings:
    """Give the settings this process was started with."""
    return cast("Settings", request.app.state.settings)


def get_database(request: Request) -> Database:
    """Give the database: `read` and `write` each run one function in one transaction."""
    return cast("Database", request.app.state.database)


SettingsDep = Annotated[Settings, Depends(get_settings)]
DatabaseDep = Annotated[Database, Depends(get_database)]
