"""Pairs for people: every pair of a run with its verdict and the lines that it was written from.

Reads the rows of `assemble`, `generate-qa` and, where it is complete, `curate`; writes `pairs.csv`, every pair, and
`index.html`, as many as a browser takes well. What people filled into an earlier `pairs.csv` is carried over. Reached
by `docent review RUN`; what people decide comes back through `curate.edits`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from docent.records import Item, QAPair, Span
from docent.stages.curate.carried import FILLED, TABLE, carried_from, keep_without_pair
from docent.stages.curate.review_table import COLUMNS, harmless
from docent.store import Artifact, temporary_name

MAX_SOURCE_CHARS = 4000
LINES_AROUND = 30
MAX_VOTES = 50
FACT_HEAD_CHARS = 24


@dataclass(frozen=True, slots=True)
class Verdict:
    """What curate said of a pair, or a person before."""

    name: str = "unchecked"
    reasons: str = ""
    decision: str = ""
    edited_question: str = ""
    edited_answer: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a source; its number is 0 where the text was not kept line by line."""

    number: int
    text: str
    used: bool


@dataclass(frozen=True)
class Passage:
    """A section that a pair was written from, the lines that it used marked."""

    where: str
    title: str
    lines: tuple[Line, ...]

    @property
    def used(self) -> str:
        """The marked lines."""
        return "\n".join(line.text for line in self.lines if line.used)


@dataclass(frozen=True)
class Shown:
    """One pair as people see it."""

    pair: QAPair
    document: str
    verdict: Verdict
    passages: tuple[Passage, ...]

    def row(self) -> dict[str, str]:
        """The pair as a row of the CSV, made safe for spreadsheets."""
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
            self.verdict.name,
            self.verdict.reasons,
            self.verdict.decision,
            self.verdict.edited_question,
            self.verdict.edited_answer,
            self.verdict.note,
        )
        return {column: harmless(value) for column, value in zip(COLUMNS, values, strict=True)}


def write(inputs: Mapping[str, Artifact], folder: Path, run: str, most: int) -> dict[str, int]:
    """Both files of a run; how many pairs there are, how many are on the page, and how many of each verdict.

    Decisions in an earlier `pairs.csv` of the folder are carried over; `carried` counts them, `without_pair` those
    whose pair is gone.

    Args:
        inputs: complete units by name.
        folder: gets the files, whole or not at all.
        most: pairs on the page.

    Raises:
        InputError: an earlier `pairs.csv` cannot be read; nothing is written.
    """
    from docent.stages.curate.review_page import Page

    folder.mkdir(parents=True, exist_ok=True)
    table, html = folder / TABLE, folder / "index.html"
    carried = carried_from(folder)
    page = Page(run, most, inputs)
    counts: dict[str, int] = {}
    known: set[str] = set()
    made = temporary_name(table)
    with made.open("w", encoding="utf-8-sig", newline="") as file:
        for shown in written(file, decided(pairs_shown(inputs), carried)):
            if shown.pair.id in carried:
                known.add(shown.pair.id)
            counts[shown.verdict.name] = counts.get(shown.verdict.name, 0) + 1
            page.add(shown)
    without_pair = keep_without_pair(folder, carried, known)
    made.replace(table)
    made = temporary_name(html)
    made.write_text(page.render(sum(counts.values())), encoding="utf-8")
    made.replace(html)
    about = {"on_page": len(page.cards), "carried": len(known), "without_pair": without_pair}
    return {"pairs": sum(counts.values()), **about, **dict(sorted(counts.items()))}


def decided(pairs: Iterable[Shown], carried: Mapping[str, Mapping[str, str]]) -> Iterator[Shown]:
    """The pairs, with what a person wrote into the earlier table in place of what the run applied."""
    for shown in pairs:
        row = carried.get(shown.pair.id)
        if row is None:
            yield shown
            continue
        filled = {name: row[name] for name in FILLED if row["decision"] or name == "note"}
        yield replace(shown, verdict=replace(shown.verdict, **filled))


def written(file: IO[str], pairs: Iterable[Shown]) -> Iterator[Shown]:
    """Write every pair to the CSV and pass it on."""
    table = csv.DictWriter(file, COLUMNS)
    table.writeheader()
    for shown in pairs:
        table.writerow(shown.row())
        yield shown


def pairs_shown(inputs: Mapping[str, Artifact]) -> Iterator[Shown]:
    """Every pair of `generate-qa` in order, one at a time."""
    items = {item.id: item for item in inputs["assemble"].rows(Item)}
    by_file: dict[str, list[Item]] = {}
    for item in items.values():
        by_file.setdefault(item.source.file, []).append(item)
    verdicts = verdicts_of(inputs.get("curate"))
    unjudged = Verdict("not kept") if "curate" in inputs else Verdict()
    for pair in inputs["generate-qa"].rows(QAPair):
        own = items.get(pair.item_id)
        passages = tuple(passages_of(pair, own, by_file)) if own else ()
        yield Shown(pair, own.document if own else "", verdicts.get(pair.id, unjudged), passages)


def verdicts_of(curate: Artifact | None) -> dict[str, Verdict]:
    """What curate said of each pair, by the pair's id; equal verdicts are one object, for runs of a million pairs."""
    found: dict[str, Verdict] = {}
    if curate is None:
        return found
    known: dict[Verdict, Verdict] = {}
    for row in curate.rows(QAPair):
        edited = row.reviewed == "edited"
        verdict = Verdict(
            row.verdict,
            "; ".join(row.reasons),
            {"approved": "approve", "edited": "edit"}.get(row.reviewed, ""),
            row.question if edited else "",
            row.answer if edited else "",
        )
        for parent in row.parents[:1]:
            found[parent] = known.setdefault(verdict, verdict)
    from docent.stages.curate.edits import REJECTED  # which takes the columns from here

    for reject in curate.rejects():
        why = f"{reject.reason}: {reject.detail}" if reject.detail else reject.reason
        verdict = Verdict("reject", why, "reject" if reject.reason == REJECTED else "")
        for parent in reject.parents[:1]:
            found[parent] = known.setdefault(verdict, verdict)
    return found


def passages_of(pair: QAPair, own: Item, by_file: Mapping[str, list[Item]]) -> Iterator[Passage]:
    """The pair's own section, then others that it was written from."""
    sections = [own]
    for span in pair.sources:
        if not any(inside(span, item.source) for item in sections):
            near = (item for item in by_file.get(span.file, ()) if item.document_id == own.document_id)
            sections += [item for item in near if inside(span, item.source)][:1]
    for item in sections:
        spans = [span for span in pair.sources if inside(span, item.source)]
        title = item.title or item.name
        yield Passage(f"{item.source.file}, {lines_of(item.source)}", title, tuple(marked(item, spans)))


def inside(span: Span, whole: Span) -> bool:
    """Whether a span lies in another one."""
    same = span.file == whole.file and span.page == whole.page
    return same and whole.first_line <= span.first_line and span.last_line <= whole.last_line


def marked(item: Item, spans: list[Span]) -> Iterator[Line]:
    """The lines of a section, those of the spans marked; of a long one what is around them."""
    texts = item.text.splitlines()
    first = first_line(item, texts)
    facts = [fact.text for fact in item.facts if fact.source in spans]
    lines = []
    for number, text in enumerate(texts, first or 0):
        if first:
            used = any(span.first_line <= number <= span.last_line for span in spans)
        else:
            used = not facts or (bool(text.strip()) and any(text.strip() in fact or fact in text for fact in facts))
        lines.append(Line(number if first else 0, text, used))
    at = [position for position, line in enumerate(lines) if line.used] or [0]
    budget = MAX_SOURCE_CHARS
    for line in lines[max(0, at[0] - LINES_AROUND) : at[-1] + LINES_AROUND + 1]:
        if budget <= 0:
            return
        yield Line(line.number, line.text[:budget], line.used)
        budget -= len(line.text) + 1


def first_line(item: Item, texts: list[str]) -> int | None:
    """Number of the text's first line in the source: its heading is left out of it, and blank lines.

    Found from the facts, which know their lines; None where they are worded otherwise and lines are missing.
    """
    votes: Counter[int] = Counter()
    for fact in item.facts[:MAX_VOTES]:
        at = next((position for position, text in enumerate(texts) if fact.text[:FACT_HEAD_CHARS] in text), None)
        if at is not None:
            votes[fact.source.first_line - at] += 1
    if votes:
        return votes.most_common(1)[0][0]
    counted = item.source.last_line - item.source.first_line + 1 == len(texts)
    return item.source.first_line if counted else None


def lines_of(span: Span) -> str:
    """`lines 12-14`, `page 3, line 7`."""
    one = span.first_line == span.last_line
    lines = f"line {span.first_line}" if one else f"lines {span.first_line}-{span.last_line}"
    return f"page {span.page}, {lines}" if span.page is not None else lines
