from tests.own_settings import forget_settings

forget_settings()
