"""The fixtures of every test of recommendations."""

from tests.app.recommendations.fixtures import client as client
from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import serve as serve
from tests.app.recommendations.fixtures import settings as settings
