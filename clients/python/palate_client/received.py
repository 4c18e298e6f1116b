"""What every answer is."""

from pydantic import BaseModel, ConfigDict


class Received(BaseModel):
    """What came back; it does not change."""

    model_config = ConfigDict(frozen=True)
