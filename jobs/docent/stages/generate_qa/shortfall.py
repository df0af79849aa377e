"""Compare planned and written pairs by question type, to report which types are short of their quota, and why.

Reads and writes nothing; the stage logs the lines at the end of each shard.
"""

from collections import Counter
from dataclasses import dataclass, field

from docent.llm.chat import ChatReply
from docent.records import QAPair, Reject
from docent.stages.generate_qa.calls import Call
from docent.text.languages import find_language, truth_of

MAX_WHY_CHARS = 120


@dataclass
class Tally:
    """Counts of one shard.

    Attributes:
        planned, made: number of planned and of written pairs, by question type.
        missing: number of missing pairs, by question type and reason.
        truths: number of true and of false answers to boolean questions.
        difficulties: difficulty of each type.
        unlisted_figures: number of figures that pairs named although they were not listed in the request.
    """

    planned: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    missing: dict[str, Counter[str]] = field(default_factory=dict)
    truths: Counter[bool] = field(default_factory=Counter)
    difficulties: dict[str, str] = field(default_factory=dict)
    unlisted_figures: int = 0

    def count(self, call: Call, rows: list[QAPair | Reject], reply: ChatReply | None = None) -> None:
        """Count the result of one call."""
        name, quota = call.kind.name, call.kind.quota
        pairs = [row for row in rows if isinstance(row, QAPair)]
        self.difficulties[name] = call.kind.difficulty
        self.planned[name] += quota
        self.made[name] += len(pairs)
        self.unlisted_figures += sum(
            isinstance(row, Reject) and row.reason == "figure that was not listed" for row in rows
        )
        if call.kind.form == "boolean":
            found = (truth_of(pair.answer, find_language(pair.language, "language")) for pair in pairs)
            self.truths.update(truth for truth in found if truth is not None)
        if len(pairs) < quota:
            why = next((row.reason for row in reversed(rows) if isinstance(row, Reject)), "no reply")
            if reply is not None and (reply.error or reply.problem):
                why = reply.error or reply.problem
            self.missing.setdefault(name, Counter())[why[:MAX_WHY_CHARS]] += quota - len(pairs)

    def lines(self) -> list[str]:
        """Return messages for the log: one line per type that is short, then the numbers of true and false answers."""
        found = []
        for name, reasons in self.missing.items():
            whys = "; ".join(f"{count} x {why}" for why, count in reasons.most_common(3))
            level = f" ({self.difficulties[name]})" if self.difficulties[name] else ""
            found.append(f"short of quota: {name}{level} {self.made[name]} of {self.planned[name]}: {whys}")
        if self.truths:
            found.append(f"boolean answers: {self.truths[True]} true, {self.truths[False]} false")
        if self.unlisted_figures:
            found.append(f"figures named but not listed: {self.unlisted_figures}; their pairs were kept without them")
        return found
