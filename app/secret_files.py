"""Settings in files, as Docker and Kubernetes mount secrets: PALATE_NAME_FILE names the file of PALATE_NAME."""

import os
from pathlib import Path
from typing import Any, NoReturn

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
            refuse(field_name, path, f"{name} is set, too: leave out one of them")
        try:
            with Path(path).open() as stream:
                text = stream.read(MAX_LENGTH + 1)
            if len(text) > MAX_LENGTH:
                refuse(field_name, path, f"{path} holds more than {MAX_LENGTH:,} characters: is it the right file?")
            if not (value := text.rstrip("\r\n")):
                refuse(field_name, path, f"{path} is empty")
            return value, field_name, False
        except (OSError, UnicodeDecodeError) as error:
            refuse(field_name, path, f"cannot read {path}: {(getattr(error, 'strerror', None) or str(error)).lower()}")

    def __call__(self) -> dict[str, Any]:
        """Return the settings that stand in files."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def refuse(field: str, path: str, reason: str) -> NoReturn:
    """Refuse a file, as a setting is refused."""
    problem = PydanticCustomError("secret_file", "{reason}", {"reason": reason})
    raise ValidationError.from_exception_data("Settings", [{"type": problem, "loc": (f"{field}_file",), "input": path}])
