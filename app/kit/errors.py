"""Every error a caller can meet: its code, its HTTP status, its message."""

from typing import Any, ClassVar


class FieldProblem(dict[str, Any]):
    """One offending field: where it is (a JSON pointer or parameter name) and how to mend it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(field=field, detail=detail)


class PalateError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str = "", fields: list[FieldProblem] | None = None) -> None:
        """Keep the sentence for this occurrence and the fields it is about."""
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.fields = fields or []

    @classmethod
    def title(cls) -> str:
        """Return what the kind of error means: the first line of its docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @classmethod
    def code(cls) -> str:
        """Name the kind of error in kebab-case, as it ends the problem's ``type``."""
        return "".join("-" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("-")


class UnexpectedError(PalateError):
    """An unexpected error: the server's log has it under this answer's X-Request-Id."""


class RouteNotFound(PalateError):
    """There is nothing at this address: /docs lists what there is."""

    status = 404


class MethodNotAllowed(PalateError):
    """This address exists, but not for this method: the header Allow lists those it has."""

    status = 405


class MalformedRequest(PalateError):
    """This is no HTTP request that can be read: check the request line and the headers."""

    status = 400


class RequestStalled(PalateError):
    """The request came too slowly, or not to its end: send it again, without pauses."""

    status = 408


class AddressTooLong(PalateError):
    """The address is longer than 32 KiB: send lists in a body, or in several calls."""

    status = 414


class HeadersTooLarge(PalateError):
    """The headers are larger than 64 KiB, or more than 100: send fewer of them, or shorter ones."""

    status = 431


class RateExceeded(PalateError):
    """This key or address has made as many calls as it may: wait as long as Retry-After says."""

    status = 429


class BodyTooLarge(PalateError):
    """The request body is larger than this server takes: send it in parts."""

    status = 413


class FormatUnsupported(PalateError):
    """This address does not take a body of this kind: the detail lists those it takes."""

    status = 415


class EncodingUnsupported(PalateError):
    """The body is packed in a way this server does not know: send Content-Encoding gzip or deflate, or none."""

    status = 415
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, deflate"}


class BodyStalled(PalateError):
    """Nothing of the body came for a minute: send it again."""

    status = 408


class InvalidRequest(PalateError):
    """The request holds a value that is not allowed."""

    status = 422


class IdempotencyKeyReused(PalateError):
    """Another request came with this Idempotency-Key before: send each request with a new one."""

    status = 422


class InvalidCursor(PalateError):
    """The cursor was not made by this route: repeat the call without it."""

    status = 422


class CursorExpired(PalateError):
    """What the cursor goes on with is not kept any more: start again without it."""

    status = 410


class ReplayUnavailable(PalateError):
    """What this answer was made from is not kept any more: it cannot be made again."""

    status = 410


class KeyMissing(PalateError):
    """This server needs a key: send it as X-API-Key, or as a bearer token."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'ApiKey realm="palate", Bearer realm="palate"'}


class KeyRefused(PalateError):
    """The key is not known or was revoked."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'ApiKey realm="palate", Bearer realm="palate"'}


class KeyExpired(PalateError):
    """The key has expired: send its successor (`palate keys rotate` makes one)."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'ApiKey realm="palate", Bearer realm="palate"'}


class ScopeMissing(PalateError):
    """The key's scopes do not allow this call."""

    status = 403


class HostRefused(PalateError):
    """A server without a key takes calls by its own names only: add this one to PALATE_ALLOWED_HOSTS, or make a key."""

    status = 421


class CrossSite(PalateError):
    """A web page of another site made this call without a key: call from your own server, or send a key."""

    status = 403


class ItemNotFound(PalateError):
    """There is no such item."""

    status = 404


class UserNotFound(PalateError):
    """There is no such user."""

    status = 404


class RatingNotFound(PalateError):
    """This user has no rating of this item."""

    status = 404


class RunNotFound(PalateError):
    """There is no such training run."""

    status = 404


class VersionNotFound(PalateError):
    """There is no such model version."""

    status = 404


class ErasureNotFound(PalateError):
    """There is no such receipt of an erasure."""

    status = 404


class ExperimentNotFound(PalateError):
    """There is no such experiment."""

    status = 404


class ExperimentRunning(PalateError):
    """Another experiment is running: stop it first."""

    status = 409


class ExperimentStopped(PalateError):
    """The experiment was stopped already; start another."""

    status = 409


class KeptOut(PalateError):
    """This user was erased, or this item deleted, and is kept out: `palate keep-out lift` allows it again."""

    status = 409


class KeepOutDisabled(PalateError):
    """Nothing is kept out without a secret: set PALATE_KEEP_OUT, the same for every process."""

    status = 409


class RunAlreadyEnded(PalateError):
    """The training run has ended already and cannot be cancelled."""

    status = 409


class VersionUnusable(PalateError):
    """The model version cannot serve: its files are gone or damaged."""

    status = 409


class VersionRefused(PalateError):
    """The gate refused this model version: activate another, or this one with "force": true."""

    status = 409


class SchemaOutdated(PalateError):
    """The database's tables are not those of this version: run `palate migrate`."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class DatabaseNotUnicode(PalateError):
    """The database cannot hold any text: make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."""

    status = 503


class SchemaForeign(PalateError):
    """The database holds tables that are not Palate's, or whose version is lost: name an empty one, or restore it."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


class SchemaTooNew(PalateError):
    """A later version of Palate has migrated the database, and this one cannot serve it: run that version."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class ModelLoading(PalateError):
    """The server has just started and loads the model: repeat the call in a moment."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class ConnectionsFull(PalateError):
    """The server holds as many connections or calls as it takes: call again in a moment, and close those not needed."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class StreamsFull(PalateError):
    """As many streams are open as the server takes: close those not needed, or ask for the run itself now and then."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "10"}


class ServerStopping(PalateError):
    """The server stops, and the call took longer than it waits: send it again."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class DatabaseUnavailable(PalateError):
    """The database does not answer; nothing was stored. Repeat the call in a moment."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}

    def __init__(
        self, detail: str = "", *, cause: str = "", is_lasting: bool = False, was_reached: bool = True
    ) -> None:
        """Keep the database's own reason, for logs and commands; lasting is what waiting does not mend."""
        super().__init__(detail)
        self.cause, self.is_lasting, self.was_reached = cause, is_lasting, was_reached

    def __str__(self) -> str:
        return f"{self.detail} ({self.cause})" if self.cause else self.detail


class DatabaseForbidden(DatabaseUnavailable):
    """The database does not let Palate's role do this; nothing was stored. The log names what to grant."""


class DatabaseReadOnly(DatabaseUnavailable):
    """The database takes no writes: it is a standby, or read-only; nothing was stored. `palate doctor` says more."""


class DatabaseDamaged(DatabaseUnavailable):
    """The database's file is damaged or none of Palate's; nothing was stored. Restore a backup of it."""


class DatabaseSilent(DatabaseUnavailable):
    """The database is there but answers nothing; nothing was stored. Repeat the call in a moment."""


class DatabaseBusy(DatabaseUnavailable):
    """Another writer holds what this call needs, or the database is slow; nothing was stored. Repeat it in a moment."""


class OutcomeUnknown(DatabaseUnavailable):
    """The database was lost while it stored this, so it may be stored. Ratings may be sent again, else look first."""
