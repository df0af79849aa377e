"""Read documents named on the command line with the stages' own code, for `docent ingest` and `docent preview`.

Reads the files; writes their pictures into a folder that the verb chooses. Imports stages by their dotted paths.
"""

import importlib
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docent.artifacts.listings import SCHEMA, SPEC_DIGITS, OutputFile, RowFile, Success
from docent.config import PipelineConfig, load_config
from docent.config.error_messages import refused
from docent.config.llm import Llm
from docent.config.overrides import apply_override
from docent.config.stages import GenerateQA
from docent.context import Context
from docent.errors import InputError
from docent.messages.plurals import counted
from docent.pipeline import STAGES, Unit, units
from docent.progress import Progress
from docent.records import Document, Item, QAPair, Reject
from docent.source_files.collection import SOURCES
from docent.source_files.markdown_pictures import PICTURES
from docent.source_files.walk import children, walk
from docent.store import Artifact, Shard

KINDS = dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), "markdown")
KINDS |= {f".{kind}": kind for kind in ("pdf", "csv", "txt", "xlsx")}
"""The `kind` of a source of documents in the configuration, by file suffix."""
EXHIBIT_TEXT = "description.txt"


def sources_of(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Return the entries of `ingest.sources` for these paths: the kind of a file by suffix, of a folder by content.

    Raises:
        InputError: a path does not exist, or contains no document or exhibit.
    """
    return [source for path in paths for source in _sources_at(path)]


def _sources_at(path: Path) -> Iterator[dict[str, str]]:
    known = ", ".join(KINDS)
    if path.is_file():
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            what = f"unsupported file type: {path.suffix or 'no suffix'}"
            raise InputError(what, str(path), f"name a document ({known}), or a folder with documents or exhibits")
        yield {"kind": kind, "path": str(path)}
    elif not path.is_dir():
        raise InputError("file or folder not found", str(path), "correct the path")
    elif any((child.path / EXHIBIT_TEXT).is_file() for child in children(path) if child.kind == "folder"):
        yield {"kind": "exhibits-folder", "path": str(path)}
    elif (path / EXHIBIT_TEXT).is_file() and _holds_pictures(path):
        what = f"the folder is a single exhibit, since it contains {EXHIBIT_TEXT} itself"
        above = shlex.join(["docent", "ingest", str(path.parent)])
        raise InputError(what, str(path), f"name its parent folder, with one subfolder per exhibit: {above}")
    else:
        suffixes = {entry.path.suffix.lower() for entry in walk(path) if entry.kind == "file"}
        kinds = dict.fromkeys(kind for suffix, kind in KINDS.items() if suffix in suffixes)
        if not kinds:
            raise _nothing_to_read(path, known)
        yield from ({"kind": kind, "path": str(path)} for kind in kinds)


def _holds_pictures(folder: Path) -> bool:
    return any(child.kind == "file" and child.path.suffix.lower() in PICTURES for child in children(folder))


def _nothing_to_read(folder: Path, known: str) -> InputError:
    """Return the error for a folder without documents and without descriptions of exhibits."""
    folders = [child.path for child in children(folder) if child.kind == "folder"]
    if pictured := [one for one in folders if _holds_pictures(one)]:
        what = f"{counted(len(pictured), 'subfolder')} with photos but without {EXHIBIT_TEXT}, the text about them"
        first = shlex.quote(str(pictured[0] / EXHIBIT_TEXT))
        return InputError(what, str(folder), f"add a {EXHIBIT_TEXT} to each of them, such as {first}")
    what = f"the folder contains neither documents ({known}) nor exhibits with {EXHIBIT_TEXT}"
    if _holds_pictures(folder):
        move = f"move the photos of each exhibit into a separate subfolder, and add a {EXHIBIT_TEXT} to it"
        return InputError(f"{what}, only photos that are not in subfolders", str(folder), move)
    return InputError(what, str(folder), "name another folder or a file")


def config_for(
    paths: Sequence[Path], file: Path | None, defaults: Sequence[str], sets: Sequence[str]
) -> PipelineConfig:
    """Return a configuration whose sources are these paths instead of those in a pipeline file.

    Args:
        paths: files and folders with documents.
        file: a pipeline file with settings; None uses docent's defaults.
        defaults: overrides that apply if there is no file.
        sets: overrides given by the user.

    Raises:
        ConfigError: the file or an override is invalid.
    """
    sources = f"ingest.sources={json.dumps(sources_of(paths))}"
    if file is not None:
        return load_config(file, [*sets, sources])
    raw: dict[str, Any] = {}
    applied = [apply_override(raw, override, PipelineConfig) for override in [*defaults, *sets, sources]]
    try:
        return PipelineConfig.model_validate(raw)
    except ValidationError as error:
        raise refused(error, PipelineConfig, None, applied) from None


def read(config: PipelineConfig, folder: Path) -> Iterator[Document | Reject]:
    """Yield the rows of stage ingest for the configured sources.

    Args:
        folder: receives `files/` with the pictures from inside documents, and the journal of requests to a teacher.
    """
    others = [name.replace("-", "_") for name in STAGES if name != "ingest"]
    only = config.model_copy(update=dict.fromkeys(others))
    unit = units(only)["ingest"]
    ctx = Context(only, unit, folder / "run", folder, Shard(), {}, Progress(None))
    rows: Iterator[Document | Reject] = _stage("ingest")(ctx)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield from rows
    finally:
        (folder / SOURCES).unlink(missing_ok=True)  # only stages after ingest read it, and they do not run here


def items_of(document: Document, related: int) -> list[Item]:
    """Return the items that stage assemble creates for a document's sections."""
    module = importlib.import_module(STAGES["assemble"].run.partition(":")[0])
    return list(module.section_items(document, related))


def written_offline(items: Sequence[Item], config: PipelineConfig, folder: Path) -> Iterator[QAPair | Reject]:
    """Yield the offline teacher's pairs for some items, whichever teacher is configured.

    Args:
        items: items of one document.
        folder: the folder that `read` wrote the pictures to; the items are written there as a file.
    """
    rows = folder / "items.jsonl"
    rows.write_text("".join(f"{item.model_dump_json()}\n" for item in items), encoding="utf-8")
    pictures = [OutputFile.of(folder, path) for path in sorted((folder / "files").glob("*"))]
    listed = RowFile(**OutputFile.of(folder, rows).model_dump(), rows=len(items))
    inputs = {
        "assemble": _artifact("assemble", folder, [listed]),
        "ingest": _artifact("ingest", folder, files=pictures),
    }
    offline = config.model_copy(update={"llm": Llm(), "generate_qa": config.generate_qa or GenerateQA()})
    unit = Unit("generate-qa", "generate-qa", reads=tuple(inputs))
    ctx = Context(offline, unit, folder / "run", folder / "pairs", Shard(), inputs, Progress(None))
    pairs: Iterator[QAPair | Reject] = _stage("generate-qa")(ctx)
    yield from pairs


def _artifact(stage: str, folder: Path, parts: Sequence[RowFile] = (), files: Sequence[OutputFile] = ()) -> Artifact:
    """Return an input artifact of a stage that never ran."""
    unknown = "0" * 64
    success = Success(
        schema=SCHEMA,
        stage=stage,
        unit=stage,
        spec=unknown,
        folder=unknown[:SPEC_DIGITS],
        digest=unknown,
        rows=sum(part.rows for part in parts),
        rejected=0,
        reject_reasons={},
        failed_shards=[],
        parts=list(parts),
        rejects=[],
        files=list(files),
        markers=[],
    )
    return Artifact(stage, folder, success)


def _stage(name: str) -> Any:
    module, _, function = STAGES[name].run.partition(":")
    return getattr(importlib.import_module(module), function)
