"""Pictures of the page: `python -m scripts.screenshots` draws them anew from the sample."""

from tests.own_settings import forget_settings

forget_settings()
