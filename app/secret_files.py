"""Settings in files, as Docker and Kubernetes mount secrets: PALATE_NAME_FILE names the file of PALATE_NAME."""

import os
from pathlib import Path
from typing import Any, NoReturn

from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import PydanticBaseSettingsSource

MAX_LENGTH = 64 * 1024


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the files that the environment names. A line end at the end of a file is none of the value."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a setting's text, None if no file is named.

        Raises:
            ValidationError: if the file cannot be read, or the setting stands in the environment, too.
        """
        name = f"{self.config['env_prefix']}{field_name}".upper()
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(name):
            refuse(f"{field_name}_file", path, f"{name} is set, too: leave out one of them")
        try:
            with Path(path).open() as stream:
                text = stream.read(MAX_LENGTH + 1)
            if len(text) > MAX_LENGTH:
                refuse(
                    f"{field_name}_file",
                    path,
                    f"{path} holds more than {MAX_LENGTH:,} characters: is it the right file?",
                )
            if not (value := text.rstrip("\r\n")):
                refuse(f"{field_name}_file", path, f"{path} is empty")
            return value, field_name, False
        except (OSError, UnicodeDecodeError) as error:
            refuse(
                f"{field_name}_file",
                path,
                f"cannot read {path}: {(getattr(error, 'strerror', None) or str(error)).lower()}",
            )

    def __call__(self) -> dict[str, Any]:
        """Return the settings that stand in files."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def check_dotenv(path: Path) -> None:
    """Check that each line of a file `.env` can be read: a setting that is passed over would be another one's default.

    Raises:
        ValidationError: naming the line.
    """
    try:
        if not path.exists():
            return
        with path.open(encoding="utf-8") as stream:
            wrong = next((each.original for each in parse_stream(stream) if each.error), None)
    except OSError as error:
        refuse(str(path), str(path), f"cannot be read: {(error.strerror or str(error)).lower()}")
    except UnicodeDecodeError:
        refuse(str(path), str(path), "is not UTF-8: save it in UTF-8")
    if wrong is not None:
        name = wrong.string.strip().partition("=")[0].partition(":")[0][:50]
        refuse(
            str(path), str(path), f"line {wrong.line} ({name} ...) cannot be read: write NAME=VALUE, and close quotes"
        )


def refuse(field: str, path: str, reason: str) -> NoReturn:
    """Refuse a file, as a setting is refused."""
    problem = PydanticCustomError("secret_file", "{reason}", {"reason": reason})
    raise ValidationError.from_exception_data("Settings", [{"type": problem, "loc": (field,), "input": path}])
