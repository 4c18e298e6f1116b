"""A training run as it happens, across broken connections. Nothing here does input or output."""

import httpx2
from pydantic import TypeAdapter

from palate_client.answer import accepted
from palate_client.answers import Epoch, Run
from palate_client.retry import Outcome, Retry

EVENT: TypeAdapter[Epoch | Run] = TypeAdapter(Epoch | Run)
ENDED_EARLY = httpx2.RemoteProtocolError("the stream ended before the run did")


class Following:
    """How far a run has been followed."""

    def __init__(self, request: httpx2.Request, retry: Retry) -> None:
        self.request = request
        self.retry = retry
        self.num_tries = 0  # since the last event
        self.has_ended = False

    def take(self, event: httpx2.ServerSentEvent) -> Epoch | Run:
        """Read an event; a connection after this one goes on behind it."""
        news = EVENT.validate_json(event.data)
        self.request.headers["Last-Event-ID"] = event.id or ""
        self.has_ended, self.num_tries = isinstance(news, Run) and news.finished_at is not None, 0
        return news

    def pause_s(self, outcome: Outcome) -> float:
        """Say how long to wait before the next connection.

        Raises:
            PalateClientError: if there should be none.
        """
        self.num_tries += 1
        pause = self.retry.pause_s(self.num_tries, outcome, is_repeatable=True)
        if pause is None:
            accepted(self.request, outcome)
        return pause or 0.0
