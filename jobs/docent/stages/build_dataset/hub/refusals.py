"""Explain why a push failed, with the hub's message, and how to fix it.

The message may repeat the request, so the token is removed from it.
"""

import os
import re
import shlex

from docent.config.stages import BuildDataset
from docent.messages.masking import MASK, mask
from docent.messages.printing import printable
from docent.messages.suggested_commands import invocation_of

MAX_REASON_CHARS = 600
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""
OUTDATED = 412
"""HTTP status for a commit whose parent is no longer the newest commit."""
_QUOTA = re.compile(r"quota|storage (?:limit|patterns)|upgrade your plan|over(?:.| )?storage", re.IGNORECASE)
_FOLDER = re.compile(r"too many files per directory", re.IGNORECASE)


def again(setting: str = "") -> str:
    """Return the command that pushes a complete data set again.

    On a cluster the launcher skips complete units, so the command replaces the Job directly.

    Args:
        setting: a setting to change, as `a.b=c`.
    """
    given = f" --set {shlex.quote(printable(setting))}" if setting else ""
    if invocation_of(os.environ, "").backend == "kubernetes":
        return f"kubectl replace --force -f <(docent render --unit build-dataset{given})"
    return f"docent run --only build-dataset{given}"


class PushError(Exception):
    """Raised if a push cannot continue.

    Args:
        reason: one sentence.
        next_step: the command or edit that fixes the problem.
    """

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason)
        self.reason, self.next_step = reason, next_step


def refusal(status: int, message: str, section: BuildDataset, token: str) -> PushError:
    """Return the error for an error response of the hub.

    Args:
        status: HTTP status.
        message: the hub's message, or "" if there is none.
    """
    words = without_token(message, token)
    reason = f"the hub returned HTTP {status}: {words}" if words else f"the hub returned HTTP {status} without a reason"
    return PushError(reason, f"{_remedy(status, words, section)}, then: {again()}")


def _remedy(status: int, words: str, section: BuildDataset) -> str:
    if _FOLDER.search(words):
        return "use fewer photos (assemble.images_per_item), or another repository (build_dataset.push_to)"
    if _QUOTA.search(words) and status != 429:
        return "free up storage, upgrade the account, or use another repository (build_dataset.push_to)"
    if status in (401, 403):
        return f"set {section.token_env} to a token with write access to {section.push_to}"
    if status == 404:
        return f"check the owner and the name in build_dataset.push_to, {section.push_to}"
    if status in PASSING or status == OUTDATED:
        return "wait a few minutes"
    return "fix the problem that the hub reports"


def unreachable(error: Exception, token: str) -> PushError:
    """Return the error for a broken connection."""
    words = without_token(str(error), token) or type(error).__name__
    return PushError(f"the hub cannot be reached: {words}", f"check the network and HF_ENDPOINT, then: {again()}")


def without_token(text: str, token: str) -> str:
    """Return a message of the hub or its client on one line, without secrets, and shortened if it is long."""
    if token:
        text = text.replace(token, MASK)
    return printable(" ".join(mask(text).split()), MAX_REASON_CHARS)
