"""Verbs for documents: what is in a file, what would be asked about it, and what people decide about the pairs.

`ingest` and `preview` read files and keep nothing; `review` writes `<run>/review/` and leaves the run as it is.
"""

from __future__ import annotations

import importlib
import json
import shlex
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docent.launcher.verbs import invocation, options

if TYPE_CHECKING:
    from docent.spec import RunStates

REVIEW = "docent.stages.curate.review"
EDITS = "docent.stages.curate.edits"
CARRIED = "docent.stages.curate.carried"
SHOW = "docent.stages.generate_qa.preview"


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@options.options(options.sets, options.as_json)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Keep pictures below this folder.")
def ingest(paths: Sequence[Path], sets: Sequence[str], output: str, out: Path | None) -> None:
    """Read documents and show their sections as rows: .md .pdf .csv .txt .xlsx, or a folder of them or of exhibits."""
    from docent.launcher.reading import config_for, read
    from docent.launcher.verbs.tables import print_table
    from docent.plurals import counted
    from docent.records import Reject

    config = config_for(paths, None, (), sets)
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docent-")))
        rows = list(read(config, folder))
    documents = [row for row in rows if not isinstance(row, Reject)]
    rejects = [row for row in rows if isinstance(row, Reject)]
    if output == "json":
        shown = {"documents": [row.model_dump(mode="json") for row in documents]}
        shown["rejects"] = [row.model_dump(mode="json") for row in rejects]
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        _refuse_nothing(paths, documents)
        return
    exhibits = [document for document in documents if document.kind == "exhibit"]
    if exhibits:
        photos = sum(len(document.images) for document in exhibits)
        print_table(
            [_exhibit_row(document) for document in exhibits],
            output,
            f"{counted(len(exhibits), 'exhibit')}, {counted(photos, 'photo')}",
        )
    others = [document for document in documents if document.kind != "exhibit"]
    sections = [_section_row(document, section) for document in others for section in document.sections]
    if sections:
        print_table(sections, output, f"{counted(len(others), 'document')}, {counted(len(sections), 'section')}")
    if rejects:
        print_table([_reject_row(reject) for reject in rejects], output, f"\n{len(rejects)} could not be used")
    _refuse_nothing(paths, documents)


def _refuse_nothing(paths: Sequence[Path], documents: Sequence[Any]) -> None:
    """End with an error where nothing could be read.

    Raises:
        InputError: there is no document.
    """
    from docent.errors import InputError

    if not documents:
        where = ", ".join(map(str, paths))
        raise InputError("nothing could be read", where, "correct what is named above, or name other files")


def _exhibit_row(document: Any) -> dict[str, Any]:
    from docent.launcher.verbs.preview_text import MAX_NAME_CHARS, cut

    section = document.sections[0]
    return {
        "exhibit": cut(document.spoken_name or document.name, MAX_NAME_CHARS),
        "file": section.source.file,
        "lines": f"{section.source.first_line}-{section.source.last_line}",
        "characters": len(section.text),
        "photos": len(document.images),
    }


def _section_row(document: Any, section: Any) -> dict[str, Any]:
    from docent.launcher.verbs.preview_text import MAX_NAME_CHARS, cut

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


def _reject_row(reject: Any) -> dict[str, Any]:
    return {"reason": reject.reason, "what": reject.raw[:80], "detail": reject.detail}


MOST_LINES_NAMED = 20
MOST_WRITTEN = 12
"""Sections that the offline teacher writes about in a preview."""
PREVIEW_DEFAULTS = ("assemble={}", "generate_qa.temperatures=[0.7]")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings of this pipeline file.")
@click.option("--types", help="Question types, with commas between them; `all` or `styles` for their groups.")
@click.option("--document", "number", type=click.IntRange(min=1), default=1, help="Which row of a table to show.")
@options.options(options.sets, options.as_json)
def preview(
    file: Path, config_file: Path | None, types: str | None, number: int, sets: Sequence[str], output: str
) -> None:
    """Show what would be made of one document: sections, facts, figures, prompts, pairs, cost. Asks nobody."""
    from docent.launcher.reading import config_for, items_of, read, sources_of, written_offline
    from docent.launcher.verbs.preview_text import print_preview
    from docent.records import Reject

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
            **importlib.import_module(SHOW).show(items, config),
            "written": _first_of_each_type(written_offline(items[:MOST_WRITTEN], config, Path(folder))),
        }
    if output == "json":
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        print_preview(shown)


def _first_of_each_type(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The first pair of every question type; what the types lack is shown beside it, not logged."""
    import logging

    from docent.records import QAPair

    log = logging.getLogger("docent.generate_qa")
    before = log.level
    log.setLevel(logging.ERROR)
    found: dict[str, dict[str, Any]] = {}
    try:
        for row in rows:
            if isinstance(row, QAPair) and row.question_type not in found:
                found[row.question_type] = row.model_dump(mode="json", exclude={"item_id", "parents"})
    finally:
        log.setLevel(before)
    return list(found.values())


def _refuse_empty(file: Path, number: int, documents: int, rejects: Sequence[Any]) -> None:
    from docent.errors import InputError

    if documents:
        raise InputError(f"there is no document {number}: the file holds {documents}", str(file), "--document 1")
    said = "; ".join(f"{reject.reason} ({reject.detail or reject.raw})" for reject in rejects[:3])
    raise InputError(
        f"nothing in the file can be used: {said or 'it is empty'}",
        str(file),
        shlex.join(["docent", "ingest", str(file)]),
    )


@click.command()
@options.options(options.run_argument, options.data)
@click.option(
    "--apply", "edits", type=click.Path(path_type=Path, dir_okay=False), help="Check what people decided, and keep it."
)
@click.option("--limit", type=click.IntRange(min=1), default=300, show_default=True, help="Pairs on the page.")
def review(run_name: str | None, data: Path, edits: Path | None, limit: int) -> None:
    """Write a run's pairs for people to read, edit and approve; with --apply take what they decided."""
    from docent.confinement import inside
    from docent.launcher.state import resolved_config
    from docent.spec import RunStates
    from docent.suggested_commands import complete

    run_dir = options.find_run(data, run_name)
    states = RunStates(resolved_config(run_dir), run_dir, as_left=True)
    if edits is not None:
        _apply_edits(states, edits)
        return
    folder = inside(run_dir, "review")
    counts = importlib.import_module(REVIEW).write(_inputs(states), folder, run_dir.name, limit)
    total, on_page, carried, without_pair = map(counts.pop, ("pairs", "on_page", "carried", "without_pair"))
    click.echo(f"{total} pairs: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    if carried:
        click.echo(f"{carried} decisions and notes of the earlier pairs.csv are in the new one")
    if without_pair:
        kept = run_dir / "review" / "decisions-without-pair.csv"
        click.echo(f"{without_pair} are about pairs that the run no longer has: kept in {kept}")
    click.echo(f"all of them   {run_dir / 'review' / 'pairs.csv'}")
    click.echo(f"{_to_read(on_page, total, limit)}  {run_dir / 'review' / 'index.html'}")
    again = shlex.join(["docent", "review", run_dir.name, *_elsewhere(run_dir)])
    click.echo(f"next: {complete(again, invocation.current())} --apply edits.csv")


def _to_read(on_page: int, total: int, limit: int) -> str:
    if on_page == total:
        return f"{on_page} to read"
    more = f"; all with --limit {total}" if on_page == limit else ", as many as a page takes"
    return f"{on_page} of {total} to read{more}"


def _elsewhere(run_dir: Path) -> list[str]:
    """The option that names the folder of runs, where it is not the usual one."""
    return [] if run_dir.parent == Path("runs") else ["--data", str(run_dir.parent)]


def _inputs(states: RunStates) -> dict[str, Any]:
    """Complete units that a review shows.

    Raises:
        LauncherError: (102) there are no pairs yet.
    """
    from docent.errors import LauncherError

    found = {name: artifact for name in states.units if (artifact := states.of(name).artifact) is not None}
    if not {"assemble", "generate-qa"} <= found.keys():
        again = options.same_run(None, states.run_dir.name, states.run_dir.parent)
        raise LauncherError(102, "the run has no pairs yet", str(states.run_dir), f"docent run {again} --to curate")
    return found


def _apply_edits(states: RunStates, path: Path) -> None:
    """Read the decisions as stage curate will, keep them with the run, and say how many there are and what is next."""
    from docent.confinement import inside
    from docent.records import QAPair
    from docent.suggested_commands import complete

    decided = importlib.import_module(EDITS).read_edits(path)
    known = {pair.id for pair in _inputs(states)["generate-qa"].rows(QAPair) if pair.id in decided}
    counts: dict[str, int] = {}
    for edit in decided.values():
        counts[edit.decision] = counts.get(edit.decision, 0) + 1
    said = ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) or "no decision"
    click.echo(f"{path}: {said}")
    if unknown := sorted(edit.line for pair_id, edit in decided.items() if pair_id not in known):
        lines = ", ".join(map(str, unknown[:MOST_LINES_NAMED]))
        click.echo(f"{len(unknown)} are about pairs that this run does not have: lines {lines}")
    carried = importlib.import_module(CARRIED)
    folder = inside(states.run_dir, "review")
    if left_out := carried.store(path, folder):
        click.echo(f"{left_out} decisions applied before are not in this file: see {folder / carried.BEFORE}")
    stored = folder / carried.APPLIED
    resolved = str(states.run_dir / "pipeline.resolved.yaml")
    given = ["--set", f"curate.edits={stored}"]
    command = shlex.join(["docent", "run", resolved, *_elsewhere(states.run_dir), *given])
    click.echo(f"next: {complete(command, invocation.current())}")
