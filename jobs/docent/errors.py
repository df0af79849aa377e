"""The exception tree of docent and the exit codes that Kubernetes, scripts and people see.

PipelineError                    1    a bug, retried up to the limit
├── InputError                   42   this shard's input is bad: not retried, other shards go on
├── ConfigError                  43   configuration or credential: the whole job fails at once
├── IncompleteInputError         44   an input is not complete yet
├── StoppedError                 143  stopped by SIGTERM, retried
└── TemporaryError               200  endpoint down, a peer lost, a source changed: retried

Whoever raises one says what is wrong, where, and the next command. The stage shell and the launcher print that
and no traceback. The launcher itself ends with one of LAUNCHER_EXIT_CODES. Both tables become docs/errors.md.
"""

from __future__ import annotations

from docent.messages.printing import printable

MAX_WHERE_CHARS = 4096
"""As long as a path may be."""


class PipelineError(Exception):
    """Something a person can act on.

    Args:
        what: the problem in one sentence.
        where: the file and line, config path, URL or image it is about.
        next_step: the command or edit that gets out of it.
    """

    exit_code = 1
    meaning = "a bug in docent: please report it with the log"

    def __init__(self, what: str, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.next_step = what, where, next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {printable(self.where, MAX_WHERE_CHARS)}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)


class InputError(PipelineError):
    """The data given to a stage cannot be used."""

    exit_code = 42
    meaning = "bad input: the file, row or folder named in the message; other shards go on"


class ConfigError(PipelineError):
    """The configuration or a credential is wrong; retrying cannot help."""

    exit_code = 43
    meaning = "configuration or credential: nothing is retried until it is edited"


class IncompleteInputError(PipelineError):
    """A unit that this one reads has not finished."""

    exit_code = 44
    meaning = "an input is not complete: the message names the unit and the command that makes it"


class StoppedError(PipelineError):
    """SIGTERM arrived; what was durable stays, the next attempt goes on from there."""

    exit_code = 143
    meaning = "stopped by SIGTERM; run again to continue"


class TemporaryError(PipelineError):
    """The outside world failed for now."""

    exit_code = 200
    meaning = "temporary: endpoint down, disk full, a peer lost, a source changed; run again to continue"


# The classes above, in their order; LauncherError below is no error of a stage.
STAGE_ERRORS: tuple[type[PipelineError], ...] = (PipelineError, *PipelineError.__subclasses__())

LAUNCHER_EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "a bug in docent",
    2: "usage, or a question with no terminal and no --yes",
    3: "invalid configuration",
    4: "cluster unreachable or forbidden",
    5: "refused at admission",
    6: "a gate failed (audit, --fail-if, validators)",
    100: "a stage failed",
    101: "not finished yet",
    102: "not found",
    103: "cancelled",
    104: "timed out",
    105: "preflight failed",
}


class LauncherError(PipelineError):
    """Ends the launcher with one of LAUNCHER_EXIT_CODES."""

    def __init__(self, exit_code: int, what: str, where: str = "", next_step: str = "") -> None:
        super().__init__(what, where, next_step)
        self.exit_code = exit_code
