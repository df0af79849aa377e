"""Print the contents of a document, and the prompts and pairs for it, as text for people.

Takes the data that `-o json` prints; writes only to the terminal. Text of the document is shown, never interpreted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from docent.launcher.verbs.output.tables import console, table
from docent.messages.plurals import counted
from docent.messages.printing import printable, terminal_safe

MAX_FACTS = 3
MAX_SHOWN = 8
MAX_PROMPT_CHARS = 1200
MAX_LINE_CHARS = 140
MAX_NAME_CHARS = 36

Shown = Mapping[str, Any]


def print_preview(shown: Shown) -> None:
    """Print every part of a preview under its heading."""
    from rich.text import Text

    screen = console()

    def lines(texts: Iterable[str]) -> None:
        for line in texts:
            screen.print(Text(terminal_safe(line)), soft_wrap=True)

    def part(title: str, texts: Iterable[str], rows: Sequence[Shown] = ()) -> None:
        screen.print()
        screen.print(Text(title, style="bold"))
        if rows:
            screen.print(table([dict(row) for row in rows], ""))
        lines(texts)

    document, sections, cost = shown["document"], shown["sections"], shown["cost"]
    more = f", document {shown['number']} of {shown['documents']}" if shown["documents"] > 1 else ""
    screen.print(Text(f"{printable(document['name'])}  ({document['kind']}, {printable(shown['file'])}{more})", "bold"))
    lines(f"  {key}: {cut(value)}" for key, value in document["meta"].items())
    rows = [_section_row(section, sections) for section in sections[:MAX_SHOWN]]
    part(counted(len(sections), "section"), _rest(sections), rows)
    facts = [fact for section in sections for fact in section["facts"]]
    shown_facts = [f"  {place(fact['source'])}: {cut(fact['text'])}" for fact in facts[:MAX_FACTS]]
    part(counted(len(facts), "fact"), [*shown_facts, *_rest(facts, MAX_FACTS)])
    part("figures", _listed(_figures(sections)))
    rejects = (f"  {r['reason']}: {cut(r['raw'])} ({cut(r['detail'])})" for r in shown["rejects"])
    part("rejected", _listed(rejects))
    part("requests and pairs", (), _planned(shown))
    part("cost", (f"  {name.replace('_', ' ')}: {'unknown' if cost[name] is None else cost[name]}" for name in cost))
    part("first prompt of each type", _prompts(shown["prompts"]))
    part("first pair of each type by the offline teacher", _listed(_written(shown["written"])))
    written = {pair["question_type"] for pair in shown["written"]}
    if left := [name for name in shown["calls"] if name not in written]:
        lines([f"  no pairs of the types {', '.join(left)}; a model can write them: --set llm.provider=openai"])


def _section_row(section: Shown, sections: Sequence[Shown]) -> dict[str, Any]:
    titles = {other["id"]: other["title"] or other["name"] for other in sections}
    return {
        "section": cut(section["title"] or "(before the first heading)", 48),
        "where": place(section["source"]),
        "characters": len(section["text"]),
        "facts": len(section["facts"]),
        "figures": len(section["figures"]),
        "related": "; ".join(cut(titles.get(other, other), 28) for other in section["related"]),
    }


def _figures(sections: Sequence[Shown]) -> Iterator[str]:
    for section, figure in ((one, figure) for one in sections for figure in one["figures"]):
        image = figure["image"]
        what = f"{image['name']}, {image['width_px']} x {image['height_px']} pixels" if image else "file not found"
        words = " ".join(part for part in (figure["caption"], figure["description"]) if part)
        yield f"  {place(section['source'])}: {cut(figure['token'])}: {what}{f': {cut(words)}' if words else ''}"


def _planned(shown: Shown) -> list[dict[str, Any]]:
    names = dict.fromkeys([*shown["planned"], *shown["calls"]])
    return [
        {"type": name, "requests": shown["calls"].get(name, 0), "pairs": shown["planned"].get(name, 0)}
        for name in names
    ]


def _prompts(prompts: Sequence[Shown]) -> Iterator[str]:
    printed: set[str] = set()
    for prompt in prompts:
        pictures = f", pictures: {len(prompt['images'])}" if prompt["images"] else ""
        yield f"  {prompt['type']} (about {prompt['item']}, temperature {prompt['temperature']:g}{pictures})"
        for message in prompt["messages"]:
            text = _unprinted(message["content"], printed)
            more = f" … and {len(text) - MAX_PROMPT_CHARS} more characters" if len(text) > MAX_PROMPT_CHARS else ""
            shown = (text[:MAX_PROMPT_CHARS] + more).replace("\n", "\n      ")
            yield f"    {message['role']}:\n      {shown}"


def _unprinted(text: str, printed: set[str]) -> str:
    """Replace paragraphs that were printed before, such as the section in the prompt of another type."""
    paragraphs = text.split("\n\n")
    shown = ["(as above)" if paragraph in printed else paragraph for paragraph in paragraphs]
    printed.update(paragraphs)
    return "\n\n".join(paragraph for paragraph, _ in groupby(shown))


def _written(pairs: Sequence[Shown]) -> Iterator[str]:
    for pair in pairs:
        where = "; ".join(place(source) for source in pair["sources"])
        yield f"  {pair['question_type']} ({where})\n    Q: {pair['question']}\n    A: {pair['answer']}"


def _listed(texts: Iterator[str]) -> Iterator[str]:
    lines = list(texts)
    yield from lines or ["  none"]


def _rest(rows: Sequence[Any], shown: int = MAX_SHOWN) -> Iterator[str]:
    if len(rows) > shown:
        yield f"  … and {len(rows) - shown} more; to list all: -o json"


def place(span: Shown) -> str:
    """Return a place such as `manual.md:12-14`, with the page if there is one."""
    page = f" page {span['page']}" if span["page"] is not None else ""
    return f"{span['file']}:{span['first_line']}-{span['last_line']}{page}"


def cut(value: Any, chars: int = MAX_LINE_CHARS) -> str:
    """Return a value as a single line of bounded length."""
    text = " ".join(str(value).split())
    return text if len(text) <= chars else text[: chars - 1] + "…"
