"""The rules of the layout, walked over the real files: imports point one way, one name stands in all its places."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docent.config import PipelineConfig
from docent.pipeline import STAGES
from docent.records import Row

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "jobs" / "docent"
FRAME = {path.stem for path in PACKAGE.glob("*.py")}
LIBRARIES = {"llm", "teacher", "convert", "models", "vision", "text", "evidence"}
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "transformers", "albumentations", "openai", "datasets", "numpy", "PIL", "peft", "cv2"}


def layer(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    if first in LIBRARIES:
        return "library"
    return first if first in ("stages", "launcher") else "frame"


def imported(path: Path) -> set[str]:
    """Modules of docent that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("docent"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("docent")}
    return found


def own_stage(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[1].removesuffix(".py")


ALLOWED = {
    "frame": {"frame"},
    "library": {"frame", "library"},
    "stages": {"frame", "library", "stages"},
    "launcher": {"frame", "launcher"},
}


def test_the_walk_sees_the_package() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    for name in imported(path):
        parts = name.split(".")
        if len(parts) < 2 or (path.name in ("__main__.py",)):
            continue
        target = "library" if parts[1] in LIBRARIES else parts[1] if parts[1] in ("stages", "launcher") else "frame"
        assert target in ALLOWED[layer(path)], f"{path} imports {name}"
        if layer(path) == "stages" and target == "stages" and path.name != "__init__.py":
            assert parts[2] == own_stage(path), f"{path} imports another stage: {name}"


@pytest.mark.parametrize("stage", STAGES)
def test_one_name_stands_in_all_its_places(stage: str) -> None:
    key = stage.replace("-", "_")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert key in PipelineConfig.model_fields
    assert stage in extras
    assert STAGES[stage].run == f"docent.stages.{key}:run"
    assert importlib.util.find_spec(f"docent.stages.{key}")
    assert len(stage) <= 22


def test_no_name_says_nothing() -> None:
    empty = {"utils", "util", "common", "helpers", "manager", "misc"}
    assert not [path for path in [*MODULES, *ROOT.glob("scripts/**/*.py")] if path.stem in empty]


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        "import sys; from docent.launcher import cli; from docent import config, spec, stage;"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_stages_are_asked_whether_they_could_without_anything_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from docent.config import load_config;"
        "from docent.checks import check_stages; check_stages(load_config(Path('pipeline.yaml'), (), {}));"
        f"print('docent.stages.generate_qa.checks' in sys.modules, sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "True []"


MAX_MODULES = 15
FOLDERS = sorted({path.parent for path in MODULES})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE.parent)))
def test_no_folder_outgrows_a_reader_and_each_says_what_it_holds(folder: Path) -> None:
    modules = sorted(path.name for path in folder.glob("*.py"))
    assert len(modules) <= MAX_MODULES, modules
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert len([line for line in text.splitlines() if line.strip()]) >= 3, "what lives here, and where to start reading"
    places = (folder, PACKAGE, PACKAGE.parent)
    assert [
        name for name in re.findall(r"`([\w/.]+\.py)`", text) if not any((place / name).exists() for place in places)
    ] == []


def _stages_named(path: Path) -> set[str]:
    """Other stages that a stage's module names where it reads its inputs: `ctx.rows("ingest")`, `inputs["curate"]`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            place, values = node.func.value, [*node.args]
        elif isinstance(node, ast.Subscript):
            place, values = node.value, [node.slice]
        elif isinstance(node, ast.Compare):
            place, values = node.comparators[0], [node.left]
        else:
            continue
        if ast.unparse(place) in ("ctx", "inputs", "ctx.inputs", "self.inputs"):
            found |= {part for value in values for part in ast.unparse(value).strip("f'\"").split("-{")[:1]}
    return found


@pytest.mark.parametrize("stage", [path for path in MODULES if layer(path) == "stages"], ids=str)
def test_no_stage_names_another_one(stage: Path) -> None:
    units = {f"{name}{part}" for name in STAGES for part in ("", "-blind", "-base")}
    assert not _stages_named(stage) & units, "read rows by their type: ctx.rows(Document)"


def test_a_stage_that_names_another_one_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        'ctx.rows("ingest", Document); "curate" in ctx.inputs; inputs["assemble"]; ctx.inputs[f"answer-{a}"]'
    )
    assert _stages_named(module) >= {"ingest", "curate", "assemble", "answer"}


def test_rows_of_every_type_have_a_writer() -> None:
    written = {stage.writes for stage in STAGES.values()}
    assert {row for row in Row.__subclasses__() if row.__module__ == Row.__module__} <= written
    assert [name for name, stage in STAGES.items() if stage.revises] == ["curate"]
