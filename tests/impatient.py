"""A client's patience in tests of the server: they want to see its failures."""

from palate_client import Retry

NO_RETRY = Retry(tries=1)
