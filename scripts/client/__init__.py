"""Writes the types of the Python client from the OpenAPI document: `python -m scripts.client`."""
