# Generated from _async/__init__.py by `python -m scripts.client`; do not edit.
"""The client. The package `_sync` is generated from the package `_async`."""
