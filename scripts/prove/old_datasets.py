"""Prove that the oldest and newest `datasets` versions named on the card load every form of a data set.

Builds three data sets: the default museum, the sample manual, and a museum of two photos per exhibit, which has no
validation split. Installs both versions, each in its own environment below the user's cache folder, and keeps them.
Every loading method must give the rows of the data set, in both versions. Writes the results to docs/proofs.json. Exits
with 1 if a count differs.
Run it: `.venv/bin/python scripts/prove/old_datasets.py`, about three minutes on two idle cores; the first run installs
600 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path

from kills import note
from small_museum import make_museum

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.records import SPLITS, Example
from docent.stages.build_dataset.exports.versions import NEWEST_DATASETS, OLDEST_DATASETS
from docent.store import Artifact

ROOT = Path(__file__).resolve().parents[2]
LOADER = Path(__file__).with_name("loaded_rows.py")
EXHIBITS, PHOTOS = 6, 2


def interpreter(version: str) -> Path:
    """Return a Python with that version of `datasets`; install it if it is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "docent" / f"datasets-{version}"
    python = folder / "bin" / "python"
    installed = folder / "installed"
    if not installed.is_file():
        venv.create(folder, with_pip=True, clear=True)
        wanted = [f"datasets=={version}", "pillow"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        installed.touch()
    return python


def build(name: str, data: Path, *arguments: str) -> Artifact:
    """Build the data set of a run up to build-dataset."""
    command = [sys.executable, "-m", "docent", "run", *arguments, "--data", str(data), "--run", name]
    subprocess.run([*command, "--to", "build-dataset", "--yes"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    unit = data / name / "build-dataset"
    success = load_json(unit / "_SUCCESS.json")
    if success is None:
        raise SystemExit(f"{unit} is not complete")
    return Artifact("build-dataset", unit / success["folder"], Success.model_validate(success))


def expected(built: Artifact) -> dict[str, dict[str, int]]:
    """Return the rows of every non-empty split, by loading method."""
    rows = list(built.rows(Example))
    files = {output.path for output in built.success.files}
    pictures = Counter(row.split for row in rows for _ in row.files)
    counts: dict[str, Counter[str]] = {"card": Counter(row.split for row in rows)}
    counts["hf"] = counts["card"]
    counts["imagefolder"] = pictures
    for split in SPLITS:
        for way, name in (("chat", f"chat-{split}.jsonl"), ("conversations", f"conversations-{split}.json")):
            if name in files:
                text = built.file(name).read_text(encoding="utf-8-sig")
                rows_written = len(text.splitlines()) if way == "chat" else len(json.loads(text))
                counts.setdefault(way, Counter())[split] = rows_written
    return {way: dict(by_split) for way, by_split in counts.items() if by_split}


def main() -> int:
    """Build the data sets and load each with both versions."""
    seen: dict[str, object] = {"versions": [OLDEST_DATASETS, NEWEST_DATASETS]}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        data, museum = Path(folder) / "runs", Path(folder) / "museum"
        make_museum(museum, EXHIBITS, PHOTOS)
        source = ("--set", "ingest.sources.0.kind=exhibits-folder", "--set", f"ingest.sources.0.path={museum}")
        data_sets = {
            "default museum": build("default", data, "pipeline.yaml"),
            "sample manual": build("manual", data, "pipelines/manual.yaml"),
            f"{PHOTOS} photos per exhibit": build("small", data, "pipeline.yaml", *source),
        }
        for name, built in data_sets.items():
            wanted = expected(built)
            seen[name] = wanted
            for version in (OLDEST_DATASETS, NEWEST_DATASETS):
                command = [interpreter(version), LOADER, built.folder]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                loaded = json.loads(done.stdout.splitlines()[-1])["rows"]
                failed = failed or loaded != wanted
                print(f"{name}, datasets {version}: {'as expected' if loaded == wanted else loaded}")
    note("old_datasets", seen)
    print(json.dumps(seen, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
