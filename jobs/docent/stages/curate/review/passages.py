"""Find the lines that a pair was written from, with their numbers, to show them next to the pair."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docent.records import Item, QAPair, Span
from docent.stages.curate.gates.sources import covers

MAX_SOURCE_CHARS = 4000
LINES_AROUND = 30
MAX_VOTES = 50
FACT_HEAD_CHARS = 24


@dataclass(frozen=True)
class Line:
    """A line of a source; its number is 0 if the text was not kept line by line."""

    number: int
    text: str
    used: bool


@dataclass(frozen=True)
class Passage:
    """A section that a pair was written from, with the lines that were used marked."""

    where: str
    title: str
    lines: tuple[Line, ...]

    @property
    def used(self) -> str:
        """Return the marked lines as text."""
        return "\n".join(line.text for line in self.lines if line.used)


def passages_of(pair: QAPair, own: Item, by_file: Mapping[str, list[Item]]) -> Iterator[Passage]:
    """Yield passages of the pair's own section, then of the other sections that it was written from."""
    sections = [own]
    for span in pair.sources:
        if not any(covers(item.source, span) for item in sections):
            near = (item for item in by_file.get(span.file, ()) if item.document_id == own.document_id)
            sections += [item for item in near if covers(item.source, span)][:1]
    for item in sections:
        spans = [span for span in pair.sources if covers(item.source, span)]
        title = item.title or item.name
        yield Passage(f"{item.source.file}, {lines_of(item.source)}", title, tuple(marked(item, spans)))


def marked(item: Item, spans: list[Span]) -> Iterator[Line]:
    """Yield the lines of a section, with the lines of the spans marked; long sections are cut to the lines around."""
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
    """Return the line number of the text's first line in the source; the text has no heading and no blank lines.

    The number is derived from the line numbers of the facts; None if the facts are reworded and lines are missing.
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
    """Return the place of a span, such as `lines 12-14` or `page 3, line 7`."""
    one = span.first_line == span.last_line
    lines = f"line {span.first_line}" if one else f"lines {span.first_line}-{span.last_line}"
    return f"page {span.page}, {lines}" if span.page is not None else lines
