"""Every setting an operator can change. Read once by an entry point, then passed on."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveInt, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.address import add_password, parse_address
from app.public_address import check_listening, check_name, check_origin, check_prefix, check_proxy
from app.secret_files import SecretFiles, check_dotenv
from models.kinds.names import KIND_NAMES

MAX_LIST = 1_000  # rows of one bulk request, and of one page
MAX_GUEST_RATINGS = 10_000  # posted for one answer: all that one person ever rated
MAX_ID_LENGTH = 255
DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|m|h|d|)")
SECONDS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def is_service_address(port: object) -> bool:
    """Return whether a port is none: Kubernetes tells the pods beside a service `palate` its address in PALATE_PORT."""
    return isinstance(port, str) and port.startswith(("tcp://", "udp://", "sctp://"))


class Settings(BaseSettings):
    """Settings of one Palate instance, each read from ``PALATE_<NAME>`` or from a file ``.env``.

    ``PALATE_<NAME>_FILE`` names a file that holds the value instead.
    """

    model_config = SettingsConfigDict(
        env_prefix="PALATE_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    database_url: Annotated[
        str,
        Field(
            description="`sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME?PARAMETER=VALUE`, with "
            "[libpq's parameters](../how-to/postgresql.md).",
            repr=False,
        ),
    ] = "sqlite:///var/palate.db"
    database_password: Annotated[
        str | None,
        Field(
            repr=False,
            description="PostgreSQL's password as it is, if it stands neither in the address nor in libpq's files.",
        ),
    ] = None
    database_pool_size: Annotated[
        PositiveInt,
        Field(description="PostgreSQL connections of one process, at least 5; one more while the database is slow."),
    ] = 12
    database_lock_timeout: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            le=timedelta(minutes=1),
            description="How long a server's call waits for what another writer holds before it is answered 503; for "
            "a place among the writers of its own process it waits as long before that.",
        ),
    ] = timedelta(seconds=1)
    model_store: Annotated[Path, Field(description="Folder of the trained model versions.")] = Path("var/models")
    host: Annotated[
        str,
        AfterValidator(check_listening),
        Field(description="Address the server listens on; beyond loopback it needs a key."),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port the server listens on.")] = 8000
    worker_port: Annotated[
        int | None,
        Field(
            ge=0,
            le=65535,
            description="Port at which `palate worker` answers `/health/live`, `/health/ready` and `/metrics`, "
            "with no key; unset: none.",
        ),
    ] = None
    root_path: Annotated[
        str,
        AfterValidator(check_prefix),
        Field(description="Path prefix under which a proxy shows Palate, such as `/palate`; it may cut it off or not."),
    ] = ""
    trusted_proxies: Annotated[
        list[Annotated[str, AfterValidator(check_proxy)]],
        NoDecode,
        Field(description="Addresses and networks of proxies whose X-Forwarded-Prefix is believed, with commas."),
    ] = ["127.0.0.1", "::1"]
    cors_origins: Annotated[
        list[Annotated[str, AfterValidator(check_origin)]],
        NoDecode,
        Field(
            description="Sites whose pages may call the API from a browser, with commas: `https://shop.example.org`."
        ),
    ] = []
    allowed_hosts: Annotated[
        list[Annotated[str, AfterValidator(check_name)]],
        NoDecode,
        Field(
            description="Names by which a server without a key may be called beside its loopback ones, with commas: "
            "those that a proxy passes on as `Host`."
        ),
    ] = []
    max_connections: Annotated[
        PositiveInt, Field(description="Connections of one process at a time; fewer where the limit of files is lower.")
    ] = 4_096
    max_streams: Annotated[PositiveInt, Field(description="Open streams of run events of one process.")] = 200
    rate_limit: Annotated[
        int | None,
        Field(
            ge=1,
            description="Calls a minute of one key, or without keys of one address, to one process; unset: any number.",
        ),
    ] = None
    refused_rate_limit: Annotated[
        PositiveInt, Field(description="Calls a minute of one address, to one process, that are answered with 401.")
    ] = 600
    shutdown_delay: Annotated[
        timedelta,
        Field(
            ge=timedelta(0),
            le=timedelta(seconds=60),
            description="How long a server that was told to stop goes on answering, while it is no longer ready.",
        ),
    ] = timedelta(0)
    max_body_bytes: Annotated[PositiveInt, Field(description="Largest request body, in bytes.")] = 4 * 1024 * 1024
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"], Field(description="`auto`: console on a terminal, else JSON.")
    ] = "auto"

    rating_min: Annotated[float, Field(allow_inf_nan=False, description="Lowest rating.")] = 1.0
    rating_max: Annotated[float, Field(allow_inf_nan=False, description="Highest rating.")] = 5.0
    rating_step: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="Distance between two neighbouring ratings.")
    ] = 0.5
    like_threshold: Annotated[
        float | None, Field(description="Least rating that counts as liked; unset: rating_min + 3/4 of the range.")
    ] = None

    model_kind: Annotated[
        str,
        Field(
            description="Autoencoder the trainer fits; `auto`: a blend of the best, with hyper-parameters searched; "
            "above `linear_max_items`, `linear` gives way to `lowrank`."
        ),
    ] = "auto"
    tune_budget: Annotated[
        timedelta,
        Field(ge=timedelta(0), description="How long `auto` searches hyper-parameters, when a run starts cold."),
    ] = timedelta(seconds=30)
    linear_max_items: Annotated[
        PositiveInt,
        Field(
            description="Largest catalogue that `linear` is fitted for, as the model or as the gate's baseline (its "
            "weights grow with its square)."
        ),
    ] = 20_000
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="Where training runs; `auto`: CUDA where there is one.")
    ] = "auto"
    train_interval: Annotated[
        timedelta | None,
        Field(gt=timedelta(0), description="Time between two looks at whether to train."),
    ] = timedelta(minutes=15)
    train_cron: Annotated[
        str | None, Field(description="Crontab line (UTC) used instead of `train_interval`, e.g. `0 3 * * *`.")
    ] = None
    train_min_changes: Annotated[
        int, Field(ge=0, description="A scheduled run waits until this many ratings were set, edited or removed.")
    ] = 1
    train_changes: Annotated[
        int | None, Field(ge=1, description="This many changes start a run at once, before the schedule does.")
    ] = 10_000
    train_epochs: Annotated[PositiveInt, Field(description="Epochs of a run at most.")] = 50
    train_batch_size: Annotated[PositiveInt, Field(description="Users per step; 1 is online learning.")] = 256
    train_learning_rate: Annotated[float, Field(gt=0, description="Step size of the optimiser.")] = 1e-3
    train_patience: Annotated[
        PositiveInt, Field(description="Epochs without a better validation before a run stops.")
    ] = 8
    train_seed: Annotated[int, Field(ge=0, description="Seed of every random choice of a run.")] = 0
    train_cold_every: Annotated[
        PositiveInt, Field(description="Every so many runs start from new weights instead of the live model's.")
    ] = 10
    train_timeout: Annotated[
        timedelta, Field(gt=timedelta(0), description="A run that takes longer is stopped and marked failed.")
    ] = timedelta(hours=6)
    train_lease: Annotated[
        timedelta,
        Field(
            gt=timedelta(0), description="A run whose worker has been silent for this long is taken over by another."
        ),
    ] = timedelta(seconds=30)
    keep_versions: Annotated[PositiveInt, Field(description="Model versions kept; older ones are removed.")] = 5
    keep_events_days: Annotated[
        PositiveInt, Field(description="Days for which what became of an answer is kept, counted from the answer on.")
    ] = 365
    keep_out: Annotated[
        str | None,
        Field(
            min_length=16,
            repr=False,
            description="A secret of 16 characters or more, the same for every process: ids of users erased and items "
            "deleted from then on are kept as hashes under it, and refused when they come again; unset: they may come "
            "back ([Erasing a user](../how-to/erasure.md)).",
        ),
    ] = None
    poll_interval: Annotated[
        timedelta, Field(gt=timedelta(0), description="How often a process looks for new models, runs and keys.")
    ] = timedelta(seconds=1)

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - as pydantic has it
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the files that the environment names before the file ``.env``."""
        if isinstance(dotenv_settings, DotEnvSettingsSource) and dotenv_settings.env_file is not None:
            check_dotenv(Path(str(dotenv_settings.env_file)))
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings, file_secret_settings

    @model_validator(mode="before")
    @classmethod
    def _add_password(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Put a password of its own into the address, so that the address is all that opens a database."""
        url, password = values.get("database_url"), values.get("database_password")
        if not isinstance(url, str) or not password:
            return values
        return values | {"database_url": add_password(url, password), "database_password": None}

    @field_validator("port", "worker_port", mode="before")
    @classmethod
    def _no_address(cls, port: object, info: ValidationInfo) -> object:
        return cls.model_fields[str(info.field_name)].default if is_service_address(port) else port

    @field_validator(
        *(
            "database_lock_timeout",
            "tune_budget",
            "train_interval",
            "train_timeout",
            "train_lease",
            "poll_interval",
            "shutdown_delay",
        ),
        mode="before",
    )
    @classmethod
    def _seconds(cls, duration: object) -> object:
        """Read `0.5` as seconds, `5m` as minutes; pydantic takes only whole numbers from text, and ISO 8601."""
        if not isinstance(duration, str) or re.match(r"[-+ ]*P|\d+:", duration):
            return duration
        if found := DURATION.fullmatch(duration.strip()):
            return float(found[1]) * SECONDS[found[2]]
        raise ValueError(f"must be seconds, or like 500ms, 30s, 5m, 6h or 7d, not {duration!r}")

    @field_validator("trusted_proxies", "cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _separated(cls, names: object) -> object:
        return [name for name in re.split(r"[,\s]+", names) if name] if isinstance(names, str) else names

    @field_validator("log_level", "log_format", "device", "model_kind", mode="before")
    @classmethod
    def _lower(cls, word: object) -> object:
        return word.strip().lower() if isinstance(word, str) else word

    @field_validator("model_kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in ("auto", *KIND_NAMES):
            raise ValueError(f"must be auto or one of {', '.join(KIND_NAMES)}")
        return kind

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        parse_address(url)
        return url

    @model_validator(mode="after")
    def _scale_is_whole(self) -> Self:
        steps = (self.rating_max - self.rating_min) / self.rating_step
        if steps < 1 or abs(steps - round(steps)) > 1e-9:
            raise ValueError("rating_max must lie a whole number of rating_step above rating_min")
        return self
