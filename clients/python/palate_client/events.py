"""A training run as it happens, across broken connections. Nothing here does input or output."""

import httpx2
from pydantic import TypeAdapter

from palate_client.answers import Epoch, Run
from palate_client.response import require_success
from palate_client.retry import Outcome, Retry

EVENT: TypeAdapter[Epoch | Run] = TypeAdapter(Epoch | Run)
ENDED_EARLY = httpx2.RemoteProtocolError("the stream ended before the run did")


class RunFollower:
    """Follows a run, and remembers how far."""

    def __init__(self, request: httpx2.Request, retry: Retry) -> None:
        self.request = request
        self.retry = retry
        self.num_tries = 0  # since the last event
        self.has_ended = False

    def read_event(self, event: httpx2.ServerSentEvent) -> Epoch | Run:
        """Return what an event reports; the next connection goes on behind it."""
        answer = EVENT.validate_json(event.data)
        self.request.headers["Last-Event-ID"] = event.id or ""
        self.has_ended, self.num_tries = isinstance(answer, Run) and answer.finished_at is not None, 0
        return answer

    def pause_s(self, outcome: Outcome) -> float:
        """Return how long to wait before the next connection, in seconds.

        Raises:
            PalateClientError: if there is to be none.
        """
        self.num_tries += 1
        pause = self.retry.pause_s(self.num_tries, outcome, is_repeatable=True)
        if pause is None:
            require_success(self.request, outcome)
        return pause or 0.0
