"""Structured logs on standard error: JSON lines, or readable ones on a terminal.

Only what the code names is logged: never headers, query strings or bodies, so no key can reach a log.
"""

import json
import logging
import os
import sys
from typing import Any

import orjson
import structlog

from app.settings import Settings, is_service_address

QUIET = ("alembic", "asyncio", "uvicorn.access")  # libraries whose info lines say nothing new


def configure(settings: Settings) -> None:
    """Set up the logs of this process, the libraries' own included."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(console_processors() if console else json_processors()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr)
        if console
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[Forwarder()], level=level, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    if is_service_address(address := os.environ.get("PALATE_PORT")):
        structlog.get_logger().warning(
            "PALATE_PORT is a Kubernetes service's address", ignored=address, port=settings.port
        )


def console_processors() -> list[structlog.typing.Processor]:
    """Return the last steps of a line for people."""
    plain = structlog.dev.plain_traceback  # others print local variables, and a key may be one
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def json_processors() -> list[structlog.typing.Processor]:
    """Return the last steps of a line for machines."""
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(dump, default=str)]


def dump(event: dict[Any, Any], **options: Any) -> bytes:
    """Write one line, whatever stands in it: what is logged may not be lost because of how it is logged."""
    try:
        return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS, **options)
    except TypeError:  # a key that is a tuple, half a surrogate pair, a number of more than 64 bits
        return json.dumps({str(name): str(value) for name, value in event.items()}).encode()


class Forwarder(logging.Handler):
    """Sends what a library logs the usual way into our logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        logger = structlog.get_logger()
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
