"""Tries what OpenAPI says with many thousand calls, good and bad (Schemathesis)."""
