"""The pages of the documentation that are written from the code: `python -m scripts.docs`."""

from tests.own_settings import forget_settings

forget_settings()
