"""The client. The package `_sync` is generated from the package `_async`."""
