"""Verbs that convert data sets between formats, and a verb that checks one. They need no run and no configuration."""

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from docent.errors import InputError, LauncherError
from docent.launcher.verbs import options
from docent.launcher.verbs.options import PATH
from docent.launcher.verbs.output.tables import print_table
from docent.messages.plurals import counted
from docent.messages.printing import printable

GATE_FAILED = 6
MAX_NAMED = 20
MAX_WARNINGS = 5
FOR = ("openai", "trl", "llama-factory", "ms-swift")
"""The names in trainers.TRAINERS, which is only imported when needed."""


def _code(name: str) -> Any:
    """Import the module of `docent.convert` that implements a verb."""
    return importlib.import_module(f"docent.convert.{name}")


@contextmanager
def _gate() -> Iterator[None]:
    """Raise errors about the input with the exit code GATE_FAILED."""
    try:
        yield
    except InputError as error:
        raise LauncherError(GATE_FAILED, error.what, error.where, error.next_step) from None


def _listed(names: Sequence[str]) -> str:
    """Return the first names as a list, and the number of the others."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(map(printable, names[:MAX_NAMED])) + more


def _say_bad(what: str, bad: Sequence[str]) -> None:
    """Print the first unusable entries, and the number of the others."""
    for one in bad[:MAX_WARNINGS]:
        click.echo(f"bad {what}: {printable(one)}", err=True)
    if len(bad) > MAX_WARNINGS:
        click.echo(f"and {len(bad) - MAX_WARNINGS} more bad {what}s", err=True)


@click.group()
def convert() -> None:
    """Convert data sets from one format to another."""


@convert.command()
@click.argument("table", metavar="CSV", type=PATH)
@click.argument("out", metavar="OUT", type=PATH)
@click.option("--images", type=PATH, help="Folder with the pictures to copy; exit 6 if one is missing.")
def dialogs(table: Path, out: Path, images: Path | None) -> None:
    """Write OUT/{train,validation,test}/metadata.csv from a table of exhibits with their dialogs."""
    written = _code("dialogs").convert(table, out, images)
    click.echo(", ".join(f"{split} {rows} rows" for split, rows in written.rows.items()) + f" in {printable(str(out))}")
    if written.unused:
        click.echo(f"warning: {written.unused} pairs were not used, because their exhibits have no picture", err=True)
    if written.guessed:
        named = _listed(written.guessed)
        click.echo(f"warning: load_dataset('imagefolder') reads these names as numbers or null: {named}", err=True)
    if images is None:
        click.echo(f"warning: {written.pictures} pictures were not copied; to copy them: --images FOLDER", err=True)
    elif written.missing:
        what = f"{len(written.missing)} pictures are missing: {_listed(written.missing)}"
        raise LauncherError(GATE_FAILED, what, str(images), "add them to the folder")


@convert.command()
@click.argument("source", metavar="IN", type=PATH)
@click.argument("out", metavar="OUT", type=PATH)
@click.option(
    "--turns",
    type=click.Choice(["single", "multi"]),
    help="Pairs per line: one (single), or all pairs of an item as one conversation (multi).",
)
@click.option("--system", help="Replace the system message of every conversation.")
@click.option("--bom/--no-bom", default=None, help="Write a byte order mark; default: as in the input.")
@click.option("--shuffle", is_flag=True, help="Shuffle the conversations.")
@click.option("--seed", type=int, default=42, show_default=True, help="Random seed of --shuffle.")
@click.option(
    "--for", "trainer", type=click.Choice(FOR), help="Write the format of this trainer; see docs/trainers.md."
)
@click.option("--images", type=PATH, help="With --for: another folder with pictures, in addition to the folder of IN.")
@click.option(
    "--special-tokens",
    type=click.Choice(["refuse", "escape"]),
    help="With --for: how to treat special tokens (<|im_end|>, <image>, ...) in texts: skip the conversation (refuse, "
    "the default), or write the token with a full-width bracket (escape).",
)
def chat(
    source: Path,
    out: Path,
    turns: str | None,
    system: str | None,
    bom: bool | None,
    shuffle: bool,
    seed: int,
    trainer: str | None,
    images: Path | None,
    special_tokens: str | None,
) -> None:
    """Convert chat JSONL or docent's rows (part-*.jsonl) to chat JSONL, or with --for to the format of a trainer."""
    code = _code("chat")
    wanted = code.Wanted(turns=turns, system=system, bom=bom, seed=seed if shuffle else None)
    if trainer:
        if shuffle or bom is not None:
            raise click.UsageError("--for cannot be combined with --shuffle or --bom; shuffle first, then convert")
        _for_trainer(source, out, trainer, wanted, images, special_tokens or "refuse")
        return
    if images or special_tokens:
        raise click.UsageError("--images and --special-tokens require --for")
    written = code.convert(source, out, wanted)
    click.echo(f"{written.conversations} conversations, {written.pairs} pairs in {printable(str(out))}")
    _say_unanswered(written.unanswered)


def _say_unanswered(lines: Sequence[str]) -> None:
    if lines:
        click.echo(f"warning: left out messages without an answer: {_listed(lines)}", err=True)


def _for_trainer(source: Path, out: Path, trainer: str, wanted: Any, images: Path | None, special_tokens: str) -> None:
    """Write the format of a trainer, and print the numbers of changed pictures and skipped conversations."""
    code = _code("trainers.convert")
    with _gate():
        done = code.convert(source, out, trainer, code.Options(wanted, images, special_tokens))
    click.echo(
        f"{counted(done.conversations, 'conversation')}, {counted(done.pairs, 'pair')}, "
        f"{counted(done.pictures, 'picture')} in {', '.join(printable(str(file)) for file in done.files)}"
    )
    changes = {
        "rewritten as upright JPEG or PNG without metadata": done.converted,
        "reduced": done.reduced,
        "left out because they occurred earlier in the conversation": done.repeated,
    }
    if changed := [f"{number} {what}" for what, number in changes.items() if number]:
        click.echo(f"pictures: {', '.join(changed)}")
    if done.escaped:
        click.echo(f"{counted(done.escaped, 'special token')} in texts written with a full-width bracket")
    _say_unanswered(done.unanswered)
    for reason, number in done.refused.most_common():
        click.echo(f"refused {counted(number, 'conversation')}: {printable(reason)}", err=True)
    if done.rejects:
        click.echo(f"refused conversations are listed in {printable(str(done.rejects))}", err=True)
    for warning in done.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    click.echo(f"next: {printable(done.next_step, 4096)}")


@convert.command()
@click.argument("source", metavar="JSONL", type=PATH)
@click.argument("out", metavar="OUT", type=PATH)
def instructions(source: Path, out: Path) -> None:
    """Write the questions of chat JSONL as seed instructions, such as for Evol-Instruct."""
    with _gate():
        written = _code("instructions").convert(source, out)
    click.echo(f"{written.rows} rows in {printable(str(out))}")
    if written.without_skill:
        click.echo(f"warning: conversations without a skill label or a question: {written.without_skill}", err=True)


@convert.command("annotations")
@click.argument("folder", metavar="FOLDER", type=PATH)
@click.argument("out", metavar="OUT", type=PATH)
def annotation_tables(folder: Path, out: Path) -> None:
    """Write the captions, labels and comments of the pictures in FOLDER to OUT, as three tables."""
    with _gate():
        written = _code("annotations").convert(folder, out)
    click.echo(", ".join(f"{rows} {kind}" for kind, rows in written.rows.items()) + f" in {out}")
    _say_bad("file", written.bad)


@convert.command()
@click.argument("paths", metavar="JSONL... OUT", nargs=-1, required=True, type=PATH)
@click.option(
    "--near",
    type=click.FloatRange(1, 101),
    default=85.0,
    show_default=True,
    help="Token-set ratio (0 to 100) from which conversations are near repeats; 101 disables the check.",
)
@click.option("--strict", is_flag=True, help="Exit with 6 if a line is invalid.")
def merge(paths: tuple[Path, ...], near: float, strict: bool) -> None:
    """Merge chat JSONL files without repeated conversations; each conversation states its source."""
    if len(paths) < 2:
        raise click.UsageError("name at least one input file, then the output file")
    *sources, out = paths
    with _gate():
        merged = _code("merge").merge(sources, out, near)
    click.echo(
        f"{merged.kept} pairs kept in {merged.conversations} conversations, {merged.exact} exact repeats, "
        f"{merged.near} near repeats, {len(merged.bad)} bad lines"
    )
    _say_bad("line", merged.bad)
    if strict and merged.bad:
        sys.exit(GATE_FAILED)


@click.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=PATH)
@click.option("--for", "trainer", type=click.Choice(FOR), help="Check all rules of this trainer; see docs/trainers.md.")
@options.options(options.as_json)
def validate(path: Path, trainer: str | None, output: str) -> None:
    """Check every picture that a data set refers to; exit 6 if one is missing, broken or misplaced.

    Reads conversation JSON, chat JSONL and metadata files. Paths are relative to the file. Pictures given by URL or
    embedded in the file are counted as remote and not checked. --for checks all rules of a trainer; problems of the
    file as a whole have row 0.
    """
    with _gate():
        result = _code("trainers.validate").validate(path, trainer) if trainer else _code("validate").validate(path)
    if output == "json":
        click.echo(json.dumps({**asdict(result), "good": result.good}, indent=1, ensure_ascii=False))
    else:
        _print_result(result)
    if not result.good:
        sys.exit(GATE_FAILED)


def _print_result(result: Any) -> None:
    for title, rows in (("missing pictures", result.missing), ("problems", result.problems)):
        if rows:
            shown = [{key: printable(str(value)) for key, value in asdict(row).items()} for row in rows]
            print_table(shown, "table", title)
    for line in result.broken:
        click.echo(f"broken: {printable(line)}")
    looked_at = [counted(result.files, "file"), counted(result.rows, "row"), counted(result.pictures, "picture")]
    found = [f"{len(result.missing)} missing"]
    if result.problems:
        found.append(counted(len(result.problems), "problem"))
    found += [f"{result.remote} remote", f"{counted(len(result.broken), 'file')} broken"]
    click.echo(f"{', '.join(looked_at)}: {', '.join(found)}")
