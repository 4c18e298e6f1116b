"""What the tests of backups share with those of recommendations."""

from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import settings as settings
