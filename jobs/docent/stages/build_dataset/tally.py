"""Count written pairs, kept pairs and rows per split, by type, difficulty, language, document and section.

Pairs and rows are added one by one; `statistics` returns the content of `statistics.json`, whose sums equal the row
counts of the files. Tokens, seconds and costs are not included, because they differ between attempts; `docent status`
shows them.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from docent.artifacts.summaries import Shortfall, Statistics
from docent.records import SPLITS, Example, Item, QAPair, Reject, Split
from docent.stages.build_dataset.splits.held_out import Gaps
from docent.stages.build_dataset.splits.subjects import MAX_TITLES, Subjects

COLUMNS = ("made", "kept", *SPLITS)
MAX_FILES = 1000
MAX_IMBALANCE = 3
"""Largest accepted ratio of training rows between two exhibits; above it, the imbalance is reported."""
Counts = Counter[str]
"""Numbers of pairs or rows by column."""
Kind = tuple[str, str, str]
"""Question type, difficulty and language."""


class Tally:
    """Counts written pairs, kept pairs and rows."""

    def __init__(self, subjects: Subjects) -> None:
        self.subjects = subjects
        self.kinds: dict[Kind, Counts] = defaultdict(Counter)
        self.rejected: dict[str, Counter[str]] = defaultdict(Counter)
        self.rejected_by_type: dict[str, Counter[str]] = defaultdict(Counter)
        self.reviewed = 0
        self.teachers: set[str] = set()
        self.files: dict[str, None] = {}
        self.temperatures: dict[Split, Counter[float]] = {split: Counter() for split in SPLITS}
        self.pictures: dict[Split, set[str]] = {split: set() for split in SPLITS}
        self.paged: dict[Split, bool] = dict.fromkeys(SPLITS, False)
        self._by_item = {column: array("Q", bytes(8 * len(subjects.numbers))) for column in COLUMNS}

    def made(self, pair: QAPair) -> None:
        """Count a pair that the teacher wrote."""
        self._count("made", pair)

    def kept(self, pair: QAPair) -> None:
        """Count a pair that passed the checks."""
        self._count("kept", pair)
        self.reviewed += bool(pair.reviewed)

    def row(self, row: Example) -> None:
        """Count a row of the data set."""
        self._count(row.split, row)
        self.teachers.add(row.teacher)
        self.temperatures[row.split][row.temperature] += 1
        self.pictures[row.split].update(row.files)
        self.paged[row.split] |= any(span.page is not None for span in row.sources)
        if len(self.files) < MAX_FILES:
            self.files.update(dict.fromkeys(span.file for span in row.sources))

    def refused(self, unit: str, reasons: Mapping[str, int]) -> None:
        """Count rows that a unit left out, by reason."""
        self.rejected[unit].update(reasons)

    def of_split(self, split: Split) -> int:
        """Return the number of rows of a split."""
        return sum(counts[split] for counts in self.kinds.values())

    def items_of(self, split: Split) -> int:
        """Return the number of items with a row in a split."""
        return sum(number > 0 for number in self._by_item[split])

    @property
    def items(self) -> int:
        """Return the number of items with a row."""
        return sum(any(numbers) for numbers in zip(*map(self._by_item.__getitem__, SPLITS), strict=True))

    def grouped(self, position: int) -> dict[str, Counts]:
        """Return the counts by question type (position 0), difficulty (1) or language (2)."""
        groups: dict[str, Counts] = defaultdict(Counter)
        for kind, counts in self.kinds.items():
            groups[kind[position]].update(counts)
        return dict(sorted(groups.items()))

    def by_document(self) -> Iterator[tuple[str, Counts]]:
        """Return the title and the counts of every document."""
        by_document = [Counts() for _ in self.subjects.documents]
        for column, numbers in self._by_item.items():  # by column: updating one counter per item takes much longer
            for document, number in zip(self.subjects.document_of, numbers, strict=True):
                by_document[document][column] += number
        return ((title, counts) for (_, title), counts in zip(self.subjects.documents, by_document, strict=True))

    def by_section(self) -> Iterator[tuple[str, Counts]]:
        """Return the name and counts of every item; the name is "" for items after the first MAX_TITLES."""
        titles = self.subjects.titles
        return ((titles[n] if n < len(titles) else "", self._of_item(n)) for n in range(len(self.subjects.numbers)))

    def rows_of(self, item: Item, split: Split) -> int:
        """Return the number of rows of an item in a split."""
        return self._by_item[split][self.subjects.numbers[item.id]]

    def _of_item(self, number: int) -> Counts:
        return Counter({column: counts[number] for column, counts in self._by_item.items()})

    def _count(self, column: str, row: QAPair | Example) -> None:
        self.kinds[row.question_type, row.difficulty, row.language][column] += 1
        number = self.subjects.numbers.get(row.item_id)
        if number is not None:
            self._by_item[column][number] += 1


def count_refused_pairs(tally: Tally, rejects: Iterable[Reject], pairs: Iterable[QAPair], gaps: Gaps) -> None:
    """Count written pairs, and rejected pairs by type and reason; record which turns conversations lose by rejects."""
    reasons = {reject.parents[0]: reject.reason for reject in rejects if reject.parents}
    for pair in pairs:
        tally.made(pair)
        if pair.id in reasons:
            tally.rejected_by_type[pair.question_type][reasons[pair.id]] += 1
            gaps.lose(pair)


def imbalance(tally: Tally) -> dict[str, Any] | None:
    """Return the exhibits with the most and fewest training rows, or None if their ratio is at most MAX_IMBALANCE."""
    trained = [(tally.rows_of(item, "train"), item.name) for item in tally.subjects.exhibits]
    if not trained or max(trained)[0] <= MAX_IMBALANCE * min(trained)[0]:
        return None
    most, least = (
        {"exhibit": name, "train": rows}
        for rows, name in (choose(trained, key=lambda entry: entry[0]) for choose in (max, min))
    )
    return {"most": most, "least": least, "exhibits": len(trained)}


def statistics(tally: Tally, shortfall: tuple[Shortfall, ...]) -> Statistics:
    """Return the content of `statistics.json`.

    Args:
        shortfall: pairs that were requested but not written by the teacher.
    """
    missing = Statistics(shortfall=shortfall).missing_by_type
    types = []
    none = dict.fromkeys(missing, Counts())
    for name, counts in sorted((none | tally.grouped(0)).items()):
        difficulties = sorted({kind[1] for kind in tally.kinds if kind[0] == name and kind[1]})
        planned = {"planned": counts["made"] + missing[name]}
        types.append({"question_type": name, "difficulty": "/".join(difficulties), **planned, **_named(counts)})
    return Statistics(
        **_named(sum(tally.kinds.values(), Counts())),
        items=tally.items,
        documents=len(tally.subjects.documents),
        imbalance=imbalance(tally),
        by_type=tuple(types),
        by_difficulty=tuple({"difficulty": name, **_named(c)} for name, c in tally.grouped(1).items()),
        by_language=tuple({"language": name, **_named(c)} for name, c in tally.grouped(2).items()),
        by_document=tuple(_capped("document", tally.by_document())),
        by_section=tuple(_capped("section", tally.by_section())),
        rejected={unit: dict(sorted(reasons.items())) for unit, reasons in tally.rejected.items()},
        rejected_by_type={
            name: dict(sorted(reasons.items())) for name, reasons in sorted(tally.rejected_by_type.items())
        },
        shortfall=shortfall,
    )


def _named(counts: Counts) -> dict[str, int]:
    return {**{column: counts[column] for column in COLUMNS}, "rows": sum(counts[split] for split in SPLITS)}


def _capped(key: str, listed: Iterator[tuple[str, Counts]]) -> list[dict[str, Any]]:
    """Return the first entries by name, and the sum of all later entries, so that totals stay correct."""
    first = [{key: name, **_named(counts)} for name, counts in islice(listed, MAX_TITLES)]
    others, more = Counts(), 0
    for _, counts in listed:
        for column in COLUMNS:
            others[column] += counts[column]
        more += 1
    return [*first, {key: f"({more} more)", **_named(others)}] if more else first
