"""Verbs that show the contents of documents, and the questions for them. They write only pictures, with `--out`."""

import importlib
import json
import logging
import shlex
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from docent.errors import InputError
from docent.launcher.documents import config_for, items_of, read, sources_of, written_offline
from docent.launcher.verbs import options
from docent.launcher.verbs.output.preview_text import MAX_NAME_CHARS, cut, print_preview
from docent.launcher.verbs.output.tables import print_table
from docent.messages.plurals import counted
from docent.records import QAPair, Reject

ESTIMATE = "docent.stages.generate_qa.estimate"


@click.command()
@click.argument("paths", nargs=-1, required=True, type=options.PATH, metavar="PATH...")
@options.options(options.sets, options.as_json)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the pictures to.")
def ingest(paths: Sequence[Path], sets: Sequence[str], output: str, out: Path | None) -> None:
    """Read documents (.md, .pdf, .csv, .txt, .xlsx) or exhibits, from files or folders, and show their sections."""
    config = config_for(paths, None, (), sets)
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docent-")))
        rows = list(read(config, folder))
    documents = [row for row in rows if not isinstance(row, Reject)]
    rejects = [row for row in rows if isinstance(row, Reject)]
    if output == "json":
        rows_of: dict[str, Sequence[Any]] = {"documents": documents, "rejects": rejects}
        shown = {name: [row.model_dump(mode="json") for row in of] for name, of in rows_of.items()}
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        _print_documents(documents, rejects)
    if not documents:
        where = ", ".join(map(str, paths))
        raise InputError("no document or exhibit could be read", where, "fix the files listed above, or name others")


def _print_documents(documents: Sequence[Any], rejects: Sequence[Any]) -> None:
    """Print tables of exhibits, sections and rejects; omit empty ones."""
    exhibits = [document for document in documents if document.kind == "exhibit"]
    if exhibits:
        photos = counted(sum(len(document.images) for document in exhibits), "photo")
        print_table(list(map(_exhibit_row, exhibits)), "table", f"{counted(len(exhibits), 'exhibit')}, {photos}")
    others = [document for document in documents if document.kind != "exhibit"]
    sections = [_section_row(document, section) for document in others for section in document.sections]
    if sections:
        print_table(sections, "table", f"{counted(len(others), 'document')}, {counted(len(sections), 'section')}")
    if rejects:
        unusable = [{"reason": row.reason, "what": row.raw[:80], "detail": row.detail} for row in rejects]
        print_table(unusable, "table", f"\nrejected: {len(rejects)}")


def _exhibit_row(document: Any) -> dict[str, Any]:
    section = document.sections[0]
    return {
        "exhibit": cut(document.spoken_name or document.name, MAX_NAME_CHARS),
        "file": section.source.file,
        "lines": f"{section.source.first_line}-{section.source.last_line}",
        "characters": len(section.text),
        "photos": len(document.images),
    }


def _section_row(document: Any, section: Any) -> dict[str, Any]:
    source = section.source
    return {
        "document": cut(document.name, MAX_NAME_CHARS),
        "kind": document.kind,
        "section": section.index,
        "title": cut(section.title, MAX_NAME_CHARS),
        "file": source.file,
        "lines": f"{source.first_line}-{source.last_line}",
        "page": source.page,
        "characters": len(section.text),
        "facts": len(section.facts),
        "figures": len(section.figures),
    }


MOST_WRITTEN = 12
"""Largest number of sections that the offline teacher writes about in a preview."""
PREVIEW_DEFAULTS = ("assemble={}", "generate_qa.temperatures=[0.7]")


@click.command()
@click.argument("file", type=options.PATH)
@click.option("--config", "config_file", type=options.PATH, help="Pipeline file to take the settings from.")
@click.option("--types", help="Question types, separated by commas; `all` and `styles` stand for several types.")
@click.option(
    "--document",
    "number",
    type=click.IntRange(min=1),
    default=1,
    help="Number of the document in the file, from 1; in a table, each row is a document.",
)
@options.options(options.sets, options.as_json)
def preview(
    file: Path, config_file: Path | None, types: str | None, number: int, sets: Sequence[str], output: str
) -> None:
    """Show sections, facts, figures, prompts, pairs and cost for one document. Sends no request."""
    chosen = [f"generate_qa.types={json.dumps([name.strip() for name in types.split(',')])}"] if types else []
    of_exhibits = any(source["kind"] == "exhibits-folder" for source in sources_of([file]))
    defaults = [*PREVIEW_DEFAULTS, f"generate_qa.types={'[visitor]' if of_exhibits else '[all]'}"]
    config = config_for([file], config_file, defaults, [*sets, *chosen, "ingest.describe.enabled=false"])
    with tempfile.TemporaryDirectory(prefix="docent-") as folder:
        rows = list(read(config, Path(folder)))
        documents = [row for row in rows if not isinstance(row, Reject)]
        if not 1 <= number <= len(documents):
            _refuse_empty(file, number, len(documents), [row for row in rows if isinstance(row, Reject)])
        document = documents[number - 1]
        items = items_of(document, config.assemble.related_sections if config.assemble else 0)
        shown = {
            "file": str(file),
            "number": number,
            "documents": len(documents),
            "document": document.model_dump(mode="json", exclude={"sections"}),
            "sections": [item.model_dump(mode="json") for item in items],
            "rejects": [row.model_dump(mode="json") for row in rows if isinstance(row, Reject)],
            **importlib.import_module(ESTIMATE).preview(items, config),
            "written": _first_of_each_type(written_offline(items[:MOST_WRITTEN], config, Path(folder))),
        }
    if output == "json":
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        print_preview(shown)


def _first_of_each_type(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the first pair of every question type; suppress warnings about types without pairs, which are shown."""
    log = logging.getLogger("docent.generate_qa")
    before = log.level
    log.setLevel(logging.ERROR)
    pairs: dict[str, dict[str, Any]] = {}
    try:
        for row in rows:
            if isinstance(row, QAPair) and row.question_type not in pairs:
                pairs[row.question_type] = row.model_dump(mode="json", exclude={"item_id", "parents"})
    finally:
        log.setLevel(before)
    return list(pairs.values())


def _refuse_empty(file: Path, number: int, documents: int, rejects: Sequence[Any]) -> None:
    if documents:
        what = f"document {number} does not exist; the file has {counted(documents, 'document')}"
        raise InputError(what, str(file), "use --document 1")
    reasons = "; ".join(f"{reject.reason} ({reject.detail or reject.raw})" for reject in rejects[:3])
    again = shlex.join(["docent", "ingest", str(file)])
    raise InputError(f"the file has no usable content: {reasons or 'it is empty'}", str(file), again)
