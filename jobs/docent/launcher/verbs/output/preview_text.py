"""Print the content of a document and what docent would make of it, as text for people.

Takes the data that `-o json` prints; writes only to the terminal. Text of the document is shown, never interpreted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    def heading(text: str) -> None:
        screen.print()
        screen.print(Text(text, style="bold"))

    def lines(texts: Iterator[str]) -> None:
        for line in texts:
            screen.print(Text(terminal_safe(line)), soft_wrap=True)

    document = shown["document"]
    more = f", document {shown['number']} of {shown['documents']}" if shown["documents"] > 1 else ""
    screen.print(Text(f"{printable(document['name'])}  ({document['kind']}, {printable(shown['file'])}{more})", "bold"))
    lines(f"  {key}: {cut(value)}" for key, value in document["meta"].items())
    sections = shown["sections"]
    heading(counted(len(sections), "section"))
    screen.print(table([_section_row(section, sections) for section in sections[:MAX_SHOWN]], ""))
    lines(_rest(sections))
    facts = [fact for section in sections for fact in section["facts"]]
    heading(counted(len(facts), "fact"))
    lines(f"  {place(fact['source'])}: {cut(fact['text'])}" for fact in facts[:MAX_FACTS])
    lines(_rest(facts, MAX_FACTS))
    heading("figures")
    lines(_figures(sections))
    heading("could not be used")
    lines(_listed(f"  {r['reason']}: {cut(r['raw'])} ({cut(r['detail'])})" for r in shown["rejects"]))
    heading("requests and pairs")
    screen.print(table(_planned(shown), ""))
    heading("cost")
    lines(
        f"  {name.replace('_', ' ')}: {'unknown' if value is None else value}" for name, value in shown["cost"].items()
    )
    heading("the first prompt of each type")
    lines(_prompts(shown["prompts"]))
    heading("what the offline teacher would write, the first pair of each type")
    lines(_listed(_written(shown["written"])))
    written = {pair["question_type"] for pair in shown["written"]}
    if left := [name for name in shown["calls"] if name not in written]:
        lines(iter([f"  nothing of {', '.join(left)}: a model can (llm.provider: openai)"]))


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
    figures = [(section, figure) for section in sections for figure in section["figures"]]
    for section, figure in figures:
        image = figure["image"]
        what = f"{image['name']}, {image['width_px']} x {image['height_px']} pixels" if image else "leads nowhere"
        words = " ".join(part for part in (figure["caption"], figure["description"]) if part)
        yield f"  {place(section['source'])}: {cut(figure['token'])}: {what}{f': {cut(words)}' if words else ''}"
    if not figures:
        yield "  none"


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
            text = "(as above)" if message["content"] in printed else message["content"]
            printed.add(message["content"])
            more = f" … and {len(text) - MAX_PROMPT_CHARS} characters more" if len(text) > MAX_PROMPT_CHARS else ""
            shown = (text[:MAX_PROMPT_CHARS] + more).replace("\n", "\n      ")
            yield f"    {message['role']}:\n      {shown}"


def _written(pairs: Sequence[Shown]) -> Iterator[str]:
    for pair in pairs:
        where = "; ".join(place(source) for source in pair["sources"])
        yield f"  {pair['question_type']} ({where})\n    Q: {pair['question']}\n    A: {pair['answer']}"


def _listed(texts: Iterator[str]) -> Iterator[str]:
    lines = list(texts)
    yield from lines or ["  nothing"]


def _rest(rows: Sequence[Any], shown: int = MAX_SHOWN) -> Iterator[str]:
    if len(rows) > shown:
        yield f"  … and {len(rows) - shown} more; all of them with -o json"


def place(span: Shown) -> str:
    """Return a place such as `manual.md:12-14`, with the page if there is one."""
    page = f" page {span['page']}" if span["page"] is not None else ""
    return f"{span['file']}:{span['first_line']}-{span['last_line']}{page}"


def cut(value: Any, chars: int = MAX_LINE_CHARS) -> str:
    """Return a value as a single line of bounded length."""
    text = " ".join(str(value).split())
    return text if len(text) <= chars else text[: chars - 1] + "…"
