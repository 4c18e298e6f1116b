"""Generates parts of the Python client: its types from the OpenAPI document, its plain half from its async half."""
