"""Write the pairs of a run for review by people, with their verdicts and the lines that they were written from.

Reads the rows of `assemble`, `generate-qa` and, if it is complete, `curate`; writes all pairs to `pairs.csv`, and to
`index.html` as many as a browser can handle (see `selection.py`). Entries of people in an earlier `pairs.csv` are
kept. `docent review RUN` calls this; the decisions are read back from the file that `curate.edits` names.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import chain
from pathlib import Path

from docent.artifacts.durable import write_durably
from docent.context import revisers, writers
from docent.records import Item, QAPair, Reject
from docent.stages.curate.review.earlier_decisions import FILLED, TABLE, keep_without_pair, read_decisions
from docent.stages.curate.review.edits import NOT_APPROVED, REJECTED
from docent.stages.curate.review.passages import MAX_SOURCE_CHARS, Passage, lines_of, passages_of
from docent.stages.curate.review.selection import Selection
from docent.stages.curate.review.table import COLUMNS, new_table
from docent.store import Artifact
from docent.text.encodings.spreadsheet import guarded


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of curate on a pair, and a person's decision about it, in the order of the table's columns."""

    name: str = "unchecked"
    reasons: str = ""
    decision: str = ""
    edited_question: str = ""
    edited_answer: str = ""
    note: str = ""


@dataclass(frozen=True)
class Shown:
    """A pair as shown to people."""

    pair: QAPair
    document: str
    verdict: Verdict
    passages: tuple[Passage, ...]

    def row(self) -> dict[str, str]:
        """Return the pair as a row of the CSV, with cells guarded against formulas of spreadsheets."""
        files = dict.fromkeys(span.file for span in self.pair.sources)
        values = (
            self.pair.id,
            self.pair.item_name,
            self.pair.question_type,
            self.pair.question,
            self.pair.answer,
            "\n\n".join(passage.used for passage in self.passages)[:MAX_SOURCE_CHARS],
            "; ".join(files),
            "; ".join(lines_of(span) for span in self.pair.sources),
            *astuple(self.verdict),
        )
        return {column: guarded(value) for column, value in zip(COLUMNS, values, strict=True)}


def write(inputs: Mapping[str, Artifact], folder: Path, run: str, most: int) -> dict[str, int]:
    """Write the CSV and the page of a run; return the number of pairs, of pairs on the page, and of each verdict.

    Decisions in an earlier `pairs.csv` of the folder are kept. `carried` counts those, and `without_pair` the decisions
    whose pair no longer exists.

    Args:
        inputs: complete units by name.
        folder: folder for the files; each is replaced atomically.
        most: maximum number of pairs on the page.

    Raises:
        InputError: an earlier `pairs.csv` cannot be read; nothing is written.
    """
    from docent.stages.curate.review.page import Page

    folder.mkdir(parents=True, exist_ok=True)
    decisions, selection = read_decisions(folder), Selection()
    counts, known = _write_table(folder, decided(pairs_shown(inputs), decisions), decisions, selection)
    places = selection.chosen(most)
    page = Page(run, inputs)
    page.fill(decided(pairs_shown(inputs, places), decisions), places)
    write_durably(folder / "index.html", page.render(counts.total()).encode())
    about = {"on_page": len(page.cards), "carried": len(known), "without_pair": len(decisions) - len(known)}
    return {"pairs": counts.total(), **about, **dict(sorted(counts.items()))}


def _write_table(
    folder: Path, pairs: Iterable[Shown], decisions: Mapping[str, Mapping[str, str]], selection: Selection
) -> tuple[Counter[str], set[str]]:
    """Write all pairs and the decisions without a pair; return counts by verdict, and the ids that have a decision."""
    counts: Counter[str] = Counter()
    known: set[str] = set()
    with new_table(folder / TABLE) as table:
        for shown in pairs:
            table.writerow(shown.row())
            if shown.pair.id in decisions:
                known.add(shown.pair.id)
            counts[shown.verdict.name] += 1
            group = (shown.verdict.name, shown.document, shown.pair.question_type)
            selection.add(shown.pair.id, flagged(shown.verdict), group)
        # Before the table is replaced: until then, it may be the only file with these decisions.
        keep_without_pair(folder, decisions, known)
    return counts, known


def decided(pairs: Iterable[Shown], decisions: Mapping[str, Mapping[str, str]]) -> Iterator[Shown]:
    """Yield the pairs; decisions in the earlier table replace those that the run applied."""
    for shown in pairs:
        row = decisions.get(shown.pair.id)
        if row is None:
            yield shown
            continue
        filled = {name: row[name] for name in FILLED if row["decision"] or name == "note"}
        yield replace(shown, verdict=replace(shown.verdict, **filled))


def flagged(verdict: Verdict) -> bool:
    """Return whether a gate flagged the pair; False for a pair that only lacks approval."""
    return verdict.name in ("reject", "warn") and not verdict.reasons.startswith(NOT_APPROVED)


def pairs_shown(inputs: Mapping[str, Artifact], only: Collection[str] | None = None) -> Iterator[Shown]:
    """Yield every pair that was written, in order, or only those whose ids are in `only`."""
    items = {item.id: item for artifact in writers(inputs, Item) for item in artifact.rows(Item)}
    by_file: dict[str, list[Item]] = {}
    for item in items.values():
        by_file.setdefault(item.source.file, []).append(item)
    curated = revisers(inputs, QAPair)
    verdicts = verdicts_of(curated)
    unjudged = Verdict("not kept") if curated else Verdict()
    for pair in (pair for artifact in writers(inputs, QAPair) for pair in artifact.rows(QAPair)):
        if only is not None and pair.id not in only:
            continue
        own = items.get(pair.item_id)
        passages = tuple(passages_of(pair, own, by_file)) if own else ()
        yield Shown(pair, own.document if own else "", verdicts.get(pair.id, unjudged), passages)


def verdicts_of(curated: Sequence[Artifact]) -> dict[str, Verdict]:
    """Return the verdict on each pair, by pair id; equal verdicts share one object to save memory in large runs."""
    verdicts: dict[str, Verdict] = {}
    known: dict[Verdict, Verdict] = {}
    judged = (row for artifact in curated for row in artifact.rows(QAPair))
    rows: Iterator[QAPair | Reject] = chain(judged, (row for artifact in curated for row in artifact.rejects()))
    for row in rows:
        verdict = _verdict_of(row)
        for parent in row.parents[:1]:
            verdicts[parent] = known.setdefault(verdict, verdict)
    return verdicts


def _verdict_of(row: QAPair | Reject) -> Verdict:
    if isinstance(row, Reject):
        why = f"{row.reason}: {row.detail}" if row.detail else row.reason
        return Verdict("reject", why, "reject" if row.reason == REJECTED else "")
    decision = {"approved": "approve", "edited": "edit"}.get(row.reviewed, "")
    edited = (row.question, row.answer) if decision == "edit" else ("", "")
    return Verdict(row.verdict, "; ".join(row.reasons), decision, *edited)
