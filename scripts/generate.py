"""Rewrite what is generated from the code, or check that it is up to date.

Reads docent's configuration model and error tables, `pipeline.yaml`, `docs/features.yaml`, the tests' marks and
README.md; writes the comments of `pipeline.yaml`, `docs/pipeline.schema.json`, `docs/configuration.md`,
`docs/errors.md`, `docs/features.md`, the marked part of README.md and the folder `manifests/`, where it deletes what
is no longer rendered.
Run alone: `make generate`; `make verify` runs it with `--check` and fails when a file would change.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import features
from configuration_page import configuration_page, inline, nested_fields, sentence
from docent.config import PipelineConfig, load_config
from docent.errors import LAUNCHER_EXIT_CODES, STAGE_ERRORS
from docent.launcher.render import manifests
from docent.pipeline import STAGES

ROOT = Path(__file__).resolve().parent.parent
COMMENT_WIDTH = 110
MANIFESTS = ROOT / "manifests"


def main() -> int:
    """Write every generated file; with --check only report the differences (exit 1 when there are any)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail when something is out of date")
    check = parser.parse_args().check
    os.chdir(
        ROOT
    )  # paths in pipeline.yaml are relative, and whether the base model is a folder shows in what is rendered
    files = generated()
    stale = left_over(MANIFESTS, files)
    for path in stale if not check else ():
        path.unlink()
    for path, text in files.items():
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text == before:
            continue
        stale.append(path)
        if check:
            name = str(path.relative_to(ROOT))
            sys.stdout.writelines(
                difflib.unified_diff(before.splitlines(True), text.splitlines(True), name, "generated")
            )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        done = "written" if path in files else "deleted"
        print(f"{'out of date' if check else done}: {path.relative_to(ROOT)}")
    if check and stale:
        print("next: make generate")
    return 1 if check and stale else 0


def generated() -> dict[Path, str]:
    """Every generated file and what it must contain."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = between_markers(readme, "stages", "\n".join(stage_table()))
    config = load_config(ROOT / "pipeline.yaml", environ={})
    return {
        ROOT / "pipeline.yaml": commented_yaml(config),
        ROOT / "docs/pipeline.schema.json": json.dumps(PipelineConfig.model_json_schema(by_alias=True), indent=1)
        + "\n",
        ROOT / "docs/configuration.md": configuration_page(),
        ROOT / "docs/errors.md": errors_page(),
        ROOT / "docs/features.md": features_page(),
        ROOT / "README.md": readme,
        **{MANIFESTS / name: text for name, text in manifests(config).items()},
    }


def features_page() -> str:
    """docs/features.md.

    Raises:
        SystemExit: the list and the marks of the tests do not fit.
    """
    rows, marked = features.read_rows(ROOT), list(features.marked_tests(ROOT))
    if wrong := features.problems(ROOT, rows, marked):
        raise SystemExit("\n".join(wrong))
    return features.page(rows, marked)


def left_over(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """YAML files of a generated folder that are no longer generated: a renamed stage would still be applied."""
    return sorted(path for path in folder.glob("*.yaml") if path not in files)


def between_markers(text: str, name: str, new: str) -> str:
    """Replace what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    head, found, rest = text.partition(begin)
    _, also_found, tail = rest.partition(end)
    if not (found and also_found):
        raise SystemExit(f"README.md lacks the markers {begin} and {end}")
    return f"{head}{begin}\n{new}\n{end}{tail}"


def commented_yaml(config: PipelineConfig) -> str:
    """The pipeline file with its values, every field of it explained by the model's own words."""
    lines = [
        "# What `docent run` does by default: the sample museum, no key, no GPU, no network. Copy it and change it.",
        "# The comments come from docent's configuration model (`make generate`); the values are this file's own.",
        "# A field marked [execution] never causes a rerun. A stage whose section is absent is skipped.",
    ]
    for name, field in PipelineConfig.model_fields.items():
        value = getattr(config, name)
        if value is None:
            continue
        lines.append("")
        if not isinstance(value, BaseModel):
            lines += [*comment(field, ""), f"{name}: {inline(value)}"]
            continue
        lines += [f"# {sentence(type(value).__doc__)}", f"{name}:"]
        for key, inner in type(value).model_fields.items():
            lines += comment(inner, "  ")
            for nested, nested_field in nested_fields(inner):
                lines += wrapped(f"- {nested}: {sentence(nested_field.description)}", "  #   ", "  #     ")
            lines.append(f"  {key}: {inline(dumped(value, key))}")
    return "\n".join(lines) + "\n"


def comment(field: FieldInfo, indent: str) -> list[str]:
    """The help text of a field as comment lines."""
    extra = field.json_schema_extra
    mark = "[execution] " if isinstance(extra, dict) and extra.get("effect") == "execution" else ""
    return wrapped(mark + sentence(field.description), f"{indent}# ", f"{indent}# ")


def wrapped(text: str, first: str, later: str) -> list[str]:
    """`text` in lines of at most COMMENT_WIDTH characters."""
    return textwrap.wrap(text, COMMENT_WIDTH, initial_indent=first, subsequent_indent=later)


def dumped(section: BaseModel, key: str) -> Any:
    """One value as plain data; what equals its default inside list items is left out."""
    value = section.model_dump(mode="json", by_alias=True, exclude_defaults=True).get(key)
    return value if value is not None else section.model_dump(mode="json", by_alias=True)[key]


def stage_table() -> Iterator[str]:
    """The pipeline as a Markdown table, from STAGES."""
    yield "| stage | reads | code |"
    yield "| --- | --- | --- |"
    for name, stage in STAGES.items():
        module = stage.run.partition(":")[0].replace(".", "/")
        path = f"jobs/{module}" if (ROOT / "jobs" / module).is_dir() else f"jobs/{module}.py"
        reads = ", ".join(stage.reads) if name != "report" else "all of them"
        yield f"| `{name}` | {reads or 'your files'} | [{path}]({path}) |"


def exit_code_table() -> Iterator[str]:
    """Exit codes of stages and of the launcher."""
    yield "| a stage ends with | meaning |"
    yield "| --- | --- |"
    yield "| 0 | done |"
    for error in sorted(STAGE_ERRORS, key=lambda error: error.exit_code):
        yield f"| {error.exit_code} | {error.meaning} |"
    yield ""
    yield "| `docent run` ends with | meaning |"
    yield "| --- | --- |"
    for code, meaning in LAUNCHER_EXIT_CODES.items():
        yield f"| {code} | {meaning} |"


def errors_page() -> str:
    """docs/errors.md: the exit codes, then every message with its way out, read from the places that raise them."""
    lines = ["# Errors and exit codes", "", "Generated by `make generate` from the code that raises them.", ""]
    printed = "Commands are printed for the run at hand, as `docent run FILE --run NAME --set a.b=c`."
    lines += [*exit_code_table(), "", "## Messages", "", f"`…` stands for the value at hand. {printed}", ""]
    lines += ["| raised by | exit | message | next step |", "| --- | --- | --- | --- |"]
    lines += sorted(raised_messages())
    return "\n".join(lines) + "\n"


def raised_messages() -> Iterator[str]:
    """Every `raise SomeError("what", where, "next")` of the package as a table row."""
    import ast

    codes = {error.__name__: str(error.exit_code) for error in STAGE_ERRORS}
    rows = set()
    for path in sorted((ROOT / "jobs/docent").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = path.relative_to(ROOT / "jobs").with_suffix("").as_posix().replace("/", ".")
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        # Inner functions first, so that a call is read with the variables of the function around it.
        read = set()
        for function in sorted(functions, key=lambda node: -node.lineno):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node not in read]
            read.update(calls)
            for call in calls:
                if not (isinstance(call.func, ast.Name) and call.args):
                    continue
                texts = assigned(function, call.lineno)
                arguments = [*call.args, *(k.value for k in call.keywords if k.arg == "next_step")]
                if call.func.id == "LauncherError":
                    code, arguments = literal(arguments[0], texts), arguments[1:]
                elif call.func.id in codes:
                    code = codes[call.func.id]
                else:
                    continue
                following = literal(arguments[2], texts) if len(arguments) > 2 else ""
                cells = (f"`{module.removeprefix('docent.')}`", code, literal(arguments[0], texts), following)
                rows.add(f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |")
    yield from rows


def assigned(function: Any, line: int) -> dict[str, Any]:
    """Return the expressions that the variables of a function were last assigned above a line."""
    import ast

    values: dict[str, Any] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.lineno < line:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name):
                values[target.id] = value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names = (element.id for element in target.elts if isinstance(element, ast.Name))
                values |= zip(names, value.elts, strict=False)
    return values


def literal(node: Any, texts: Mapping[str, Any] = {}) -> str:  # noqa: B006 - never changed
    """Return the text of a string expression, with `…` where a value is put in; `texts` are its variables."""
    import ast

    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name) and node.id in texts:
        return literal(texts[node.id])
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part, texts) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        known = isinstance(node.value, ast.Name) and isinstance(texts.get(node.value.id), ast.JoinedStr | ast.Constant)
        return literal(node.value, texts) if known else "…"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
        return f"docent {literal(node.args[0], texts)} --run …"
    return "…"


if __name__ == "__main__":
    sys.exit(main())
