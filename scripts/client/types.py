"""The types of the client: what a caller sends, and what comes back."""

import re
from typing import Any

from datamodel_code_generator import InputFileType, LiteralType, PythonVersion, generate
from datamodel_code_generator.enums import DataModelType
from datamodel_code_generator.format import DatetimeClassType

from app.main import create_app
from app.settings import Settings
from scripts.client.formatting import HEADER, format_file
from scripts.client.schemas import Schema, split

INPUTS = '''"""What calls take: plain dictionaries with declared keys. A time is a `datetime` with a zone."""
'''
ANSWERS = '''"""What calls answer.

What a newer server adds does no harm: an unknown field is passed over, an unknown word is kept as it is.
"""
'''
OPTIONS: dict[str, Any] = {
    "input_file_type": InputFileType.OpenAPI,
    "target_python_version": PythonVersion.PY_311,
    "output_datetime_class": DatetimeClassType.Datetime,
    "enum_field_as_literal": LiteralType.All,
    "use_type_alias": True,
    "keep_model_order": True,
    "use_schema_description": True,
    "use_field_description": True,
    "use_inline_field_description": True,
    "use_single_line_docstring": True,
    "use_double_quotes": True,
    "strict_nullable": True,
    "formatters": [],
}


def type_files() -> dict[str, str]:
    """Return the text of the files of types by their names in the package."""
    sent, received = split(create_app(Settings(_env_file=None)).openapi())
    inputs = types(
        sent,
        output_model_type=DataModelType.TypingTypedDict,
        use_total_false_for_typed_dict=True,
        use_generic_container_types=True,
        use_closed_typed_dict=False,
        import_overrides={"TypedDict": "typing_extensions"},  # pydantic wants this one on Python 3.11
    )
    answers = types(
        sent | received,
        output_model_type=DataModelType.PydanticV2BaseModel,
        base_class="palate_client.received.Received",
        type_overrides={name: f"palate_client.inputs.{name}" for name in sent},
    )
    # A TypedDict with a key that is a word of Python's own loses its description.
    inputs = re.sub(
        r"(?ms)^(\w+) = TypedDict\(.*?\)$", lambda each: f'{each[0]}\n"""{sent[each[1]]["description"]}"""', inputs
    )
    header = HEADER.format(source="the OpenAPI document")
    return {
        "inputs.py": format_file("inputs.py", header + INPUTS + inputs),
        "answers.py": format_file("answers.py", header + ANSWERS + answers),
    }


def types(schemas: dict[str, Schema], **options: Any) -> str:
    """Return a type for each schema."""
    document = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}}
    text = generate(document | {"components": {"schemas": schemas}}, custom_file_header="\n", **OPTIONS, **options)
    return str(text)
