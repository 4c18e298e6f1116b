"""Responses of the route that lists similar users."""

from pydantic import BaseModel, Field


class SimilarUser(BaseModel):
    """A user similar to another."""

    user_id: str
    similarity: float = Field(description="Orders the list; below 1, and no unit.")
    overlap: int = Field(description="Number of items that both have rated.")


class SimilarUsers(BaseModel):
    """Users similar to a user, the most similar first."""

    user_id: str
    revision: int = Field(description="Of the user's latest rating change, which this answer has seen.")
    num_compared: int = Field(description="Number of users who could have come into the list.")
    users: list[SimilarUser]
