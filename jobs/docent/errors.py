"""Define the exceptions of docent, and the exit codes that Kubernetes, scripts and users see.

PipelineError                    1    a bug, retried up to the limit
├── InputError                   42   this shard's input is invalid: not retried; other shards continue
├── ConfigError                  43   invalid configuration or credential: the whole job fails at once
├── IncompleteInputError         44   an input is not complete yet
├── StoppedError                 143  stopped by SIGTERM, retried
└── TemporaryError               200  endpoint down, peer lost, source changed: retried

Each error has the problem, its location and the next command. The stage shell and the launcher print these without a
traceback. The launcher exits with one of LAUNCHER_EXIT_CODES. docs/errors.md is generated from both tables.
"""

from docent.messages.printing import printable

MAX_WHERE_CHARS = 4096
"""Maximum length of a path on Linux."""


class PipelineError(Exception):
    """An error that the user can act on.

    Args:
        what: the problem in one sentence.
        where: the file and line, config path, URL or image it is about.
        next_step: the command or edit that resolves it.
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
    """The input of a stage is unusable."""

    exit_code = 42
    meaning = "invalid input: the file, row or folder in the message; other shards continue"


class ConfigError(PipelineError):
    """The configuration or a credential is wrong; retrying cannot help."""

    exit_code = 43
    meaning = "invalid configuration or credential: not retried until it is corrected"


class IncompleteInputError(PipelineError):
    """A unit that this one reads is not complete."""

    exit_code = 44
    meaning = "an input is not complete: the message names the unit and the command that produces it"


class StoppedError(PipelineError):
    """SIGTERM stopped the process; durable output is kept, and the next attempt continues from it."""

    exit_code = 143
    meaning = "stopped by SIGTERM; run again to continue"


class TemporaryError(PipelineError):
    """A temporary failure outside docent, such as an unreachable endpoint."""

    exit_code = 200
    meaning = "temporary failure: endpoint down, disk full, peer lost, source changed; run again to continue"


# The classes above, in their order; stages do not raise LauncherError below.
STAGE_ERRORS: tuple[type[PipelineError], ...] = (PipelineError, *PipelineError.__subclasses__())

LAUNCHER_EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "a bug in docent",
    2: "usage error, or confirmation required without a terminal or --yes",
    3: "invalid configuration",
    4: "cluster unreachable or forbidden",
    5: "rejected by the cluster's admission control",
    6: "a check failed (audit, --fail-if, validation)",
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
