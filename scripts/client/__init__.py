"""Generates parts of the Python client: its types from the OpenAPI document, its plain half from its async half."""

from tests.own_settings import forget_settings

forget_settings()
