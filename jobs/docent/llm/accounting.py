"""Count the outcomes of requests and tries, and check two equations that can only fail if docent has a bug.

Reads and writes nothing. Requests: planned = kept + rejected + failed + unspent. Tries: begun = replied + refused +
lost. Both are checked when a stage has all its replies, and both are in its marker and the report.
"""

from collections import Counter
from dataclasses import dataclass, field

from docent.errors import PipelineError
from docent.llm.chat import ChatReply


@dataclass
class RequestCounts:
    """Counts of one shard.

    Attributes:
        planned: requests of the stage.
        kept: requests with a usable reply.
        rejected: requests whose replies were all unusable, by reason.
        failed: requests without a reply although other requests got one, by reason.
        tries: number of `begun`, `replied`, `refused` and `lost` tries of this attempt.
    """

    planned: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)

    @property
    def unspent(self) -> int:
        """Return the number of requests that have no outcome yet."""
        return self.planned - self.kept - self.rejected.total() - self.failed.total()

    def plan(self, requests: int) -> None:
        """Count the requests of a call, and discard requests without an outcome from an earlier, unfinished call."""
        self.planned += requests - self.unspent
        self.tries["lost"] += self.without_end

    def close(self, reply: ChatReply) -> None:
        """Count the outcome of a request."""
        if reply.error:
            self.failed[reply.error] += 1
        elif reply.problem:
            self.rejected[reply.problem] += 1
        else:
            self.kept += 1

    @property
    def without_end(self) -> int:
        """Return the number of tries without an end: 0, unless some were cancelled."""
        tries = self.tries
        return tries["begun"] - tries["replied"] - tries["refused"] - tries["lost"]

    def line(self) -> str:
        """Return the first equation in readable form."""
        return (
            f"{self.planned} planned = {self.kept} kept + {self.rejected.total()} rejected + "
            f"{self.failed.total()} failed + {self.unspent} unspent"
        )

    def check(self) -> None:
        """Check both equations, once all replies have arrived.

        Raises:
            PipelineError: one of them does not hold.
        """
        if self.unspent or self.without_end:
            raise PipelineError(
                f"the counts of requests do not add up: {self.line()}; tries {dict(self.tries)}",
                next_step=PipelineError.meaning,
            )

    def amounts(self) -> dict[str, float]:
        """Return the counts for the marker: only those above 0, and tries only if some of them failed."""
        counts = {
            "planned": self.planned,
            "kept": self.kept,
            "rejected": self.rejected.total(),
            "failed": self.failed.total(),
        }
        if self.tries["begun"] != self.tries["replied"]:
            counts |= {f"tries_{name}": number for name, number in sorted(self.tries.items())}
        return {name: float(number) for name, number in counts.items() if number}
