"""Asks the hub, again where that may help, and says in plain words what it answers.

Reads nothing and writes nothing itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from docent.config import BuildDataset
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
FIRST_WAIT_S, MAX_WAIT_S = 2.0, 120.0
Wait = Callable[[float], bool]
"""Waits so many seconds; returns whether the push was asked to stop."""


class OutdatedError(Exception):
    """The repository has another commit than the one that the plan was made for."""


class Ask:
    """Asks the hub, again where that may help, and turns its answers into words."""

    def __init__(self, section: BuildDataset, token: str, wait: Wait, tries: int = TRIES) -> None:
        self._section, self._token, self._wait, self._tries = section, token, wait, tries

    def __call__(self, request: Callable[[], Any]) -> Any:
        """What the request returns.

        Raises:
            PushError: the hub refuses it, or cannot be reached.
            OutdatedError: it was made for an older commit.
        """
        import httpx2

        for number in range(self._tries):
            try:
                return request()
            except (OSError, ValueError, httpx2.HTTPError) as error:
                failed, wait_s = self._understood(error)
                if wait_s is None or number == self._tries - 1:
                    raise failed from None
                wait_s = min(wait_s or FIRST_WAIT_S * 2**number, MAX_WAIT_S)
                log.info("%s; asking again in %.0f s", failed, wait_s)
                self.pause(wait_s)
        raise AssertionError("unreachable")

    def pause(self, seconds: float = 0.0) -> None:
        """Wait for so many seconds.

        Raises:
            PushError: the push was asked to stop.
        """
        if self._wait(seconds):
            raise PushError("the push was asked to stop", again()) from None

    def _understood(self, error: Exception) -> tuple[Exception, float | None]:
        """The failure in words, and how long to wait before asking again: 0 where nobody says, None for never."""
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        if isinstance(error, OfflineModeIsEnabled):
            off = PushError("the hub is switched off by HF_HUB_OFFLINE", f"unset HF_HUB_OFFLINE, then: {again()}")
            return off, None
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code
            if status == OUTDATED:
                return OutdatedError(), None
            failed = refusal(status, error.server_message or "", self._section, self._token)
            asked = error.response.headers.get("Retry-After", "")
            return failed, (float(asked) if asked.isdigit() else 0.0) if status in PASSING else None
        if isinstance(error, OSError) and error.filename:
            words = f"{error.strerror}: {error.filename}"
            return PushError(f"a file of the data set cannot be read: {words}", "docent run --verify"), None
        if isinstance(error, ValueError):  # the hub's check of the card's head, or its client's of names
            words = without_token(str(error), self._token)
            return PushError(f"the hub or its client does not take the data set: {words}", _settings()), None
        return unreachable(error, self._token), 0.0


def _settings() -> str:
    return f"fix the card's settings (build_dataset.name and license), then: {again()}"
