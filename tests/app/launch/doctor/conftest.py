"""Versions to publish."""

from tests.app.recommendations.fixtures import publish_version as publish_version
