"""Send requests to the hub, retry them after temporary failures, and convert errors to messages with a next step."""

import logging
from collections.abc import Callable
from typing import Any

from docent.config.stages import BuildDataset
from docent.stages.build_dataset.hub.refusals import (
    OUTDATED,
    PASSING,
    PushError,
    again,
    refusal,
    unreachable,
    without_token,
)

log = logging.getLogger("docent.build-dataset")

TRIES = 6
"""Together, the waits between these tries take about a minute; a hub server usually restarts faster."""
FIRST_WAIT_S, MAX_WAIT_S = 2.0, 120.0
Wait = Callable[[float], bool]
"""Waits for a number of seconds; returns whether the push should stop."""


class OutdatedError(Exception):
    """The repository has a newer commit than the one that the plan is based on."""


class Ask:
    """Sends requests to the hub, with retries."""

    def __init__(self, section: BuildDataset, token: str, wait: Wait, tries: int = TRIES) -> None:
        self._section, self._token, self._wait, self._tries = section, token, wait, tries

    def __call__(self, request: Callable[[], Any]) -> Any:
        """Send a request, with retries, and return its result.

        Raises:
            PushError: the hub refuses the request or cannot be reached, or the push should stop.
            OutdatedError: the request is based on a commit that is no longer the newest.
        """
        import httpx2

        for number in range(self._tries):
            try:
                return request()
            except (OSError, ValueError, httpx2.HTTPError) as error:
                failure, wait_s = self._failure(error)
                if wait_s is None or number == self._tries - 1:
                    raise failure from None
                wait_s = min(wait_s or FIRST_WAIT_S * 2**number, MAX_WAIT_S)
                log.info("%s; retrying in %.0f s", failure, wait_s)
                self.pause(wait_s)
        raise AssertionError("unreachable")

    def pause(self, seconds: float = 0.0) -> None:
        """Wait for a number of seconds.

        Raises:
            PushError: the push should stop.
        """
        if self._wait(seconds):
            raise PushError("the push was interrupted", again()) from None

    def _failure(self, error: Exception) -> tuple[Exception, float | None]:
        """Return the error to raise, and the seconds until a retry: 0 if the hub sent none, None for no retry."""
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        if isinstance(error, OfflineModeIsEnabled):
            off = PushError("HF_HUB_OFFLINE disables access to the hub", f"unset HF_HUB_OFFLINE, then: {again()}")
            return off, None
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code
            if status == OUTDATED:
                return OutdatedError(), None
            failure = refusal(status, error.server_message or "", self._section, self._token)
            wait_s = error.response.headers.get("Retry-After", "")
            return failure, (float(wait_s) if wait_s.isdigit() else 0.0) if status in PASSING else None
        if isinstance(error, OSError) and error.filename:
            words = f"{error.strerror}: {error.filename}"
            return PushError(f"a file of the data set is not readable: {words}", "docent run --verify"), None
        if isinstance(error, ValueError):  # raised by the hub's check of the card's head, or by its client for names
            words = without_token(str(error), self._token)
            next_step = f"fix build_dataset.name and build_dataset.license, then: {again()}"
            return PushError(f"the hub or its client rejected the data set: {words}", next_step), None
        return unreachable(error, self._token), 0.0
