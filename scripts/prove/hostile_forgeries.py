"""Forge run folders and sources at random, reproducibly for a seed, for hostile_runs.py.

Writes below the given folder. Counted as wrong: anything outside was touched, or an exception other than docent's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig
from docent.config.sources import Source
from docent.errors import PipelineError
from docent.launcher.plan import plan
from docent.launcher.runs.folder import status
from docent.launcher.runs.garbage import delete, find_garbage
from docent.launcher.runs.progress import describe, read_progress
from docent.launcher.runs.trace import trace
from docent.source_files.digests import digest_of_paths
from docent.spec import RunStates
from docent.stages.ingest.sources import ListedFile, list_files

NONSENSE: tuple[Any, ...] = (
    None, True, -1, 1.5, "", ".", "..", "x", [], {}, [{}], "../../../victim", "/etc/passwd", "a\0b", "\ud800", 10**300,
)  # fmt: skip


def forged_runs(config: PipelineConfig, folder: Path, rounds: int, rng: random.Random) -> dict[str, int]:
    """Change success files and markers at random, then run every reader of a run on them."""
    seen: Counter[str] = Counter(rounds=rounds, still_complete=0, refused=0, wrong=0)
    victim = folder / "victim"
    (victim / "checkpoints").mkdir(parents=True)
    (victim / "precious.txt").write_text("precious")
    for number in range(rounds):
        run_dir = folder / f"forged-{number}"
        shutil.copytree(folder / "calm", run_dir, symlinks=True)
        for path in _listings(run_dir):
            if rng.random() < 0.7:
                path.write_text(_changed(path.read_text(), rng))
        _add_links(run_dir / "ingest", victim, rng)
        try:
            seen["still_complete"] += _look(config, run_dir)
        except PipelineError:
            seen["refused"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
            print(f"forged run {number}: {error!r}")
            seen["wrong"] += 1
        if sorted(path.name for path in victim.iterdir()) != ["checkpoints", "precious.txt"]:
            raise SystemExit("gc deleted outside the run")
        shutil.rmtree(run_dir)
    return dict(seen)


def _listings(run_dir: Path) -> list[Path]:
    unit = run_dir / "ingest"
    return [unit / "_SUCCESS.json", *sorted((unit / "latest").resolve().glob("shard-*.json"))]


def _changed(text: str, rng: random.Random) -> str:
    """Return a listing with a few values replaced, keys removed, or the text truncated."""
    if rng.random() < 0.1:
        return text[: rng.randrange(len(text))]
    value = json.loads(text)
    for _ in range(rng.randint(1, 3)):
        place: Any = value
        while isinstance(place, dict | list) and place:
            key = rng.choice(sorted(place)) if isinstance(place, dict) else rng.randrange(len(place))
            if rng.random() < 0.5 or not isinstance(place[key], dict | list) or not place[key]:
                if rng.random() < 0.3:
                    del place[key]
                else:
                    place[key] = rng.choice(NONSENSE)
                break
            place = place[key]
    return json.dumps(value)


def _add_links(unit: Path, victim: Path, rng: random.Random) -> None:
    """Add links out of the run at places where docent reads or writes."""
    folder = (unit / "latest").resolve()
    for path in (folder / "checkpoints", folder / "left", unit / "older"):
        if rng.random() < 0.3:
            path.symlink_to(victim)
    if rng.random() < 0.2:
        shutil.rmtree(folder / "files")
        (folder / "files").symlink_to(victim)


def _look(config: PipelineConfig, run_dir: Path) -> bool:
    """Run status, plan, trace and gc; return whether the unit counts as complete."""
    states = RunStates(config, run_dir, as_left=True)
    plan(states)
    status(states)
    describe(read_progress(run_dir, "ingest"))
    delete(run_dir, find_garbage(run_dir))
    with contextlib.suppress(PipelineError):  # no row has this id
        trace(states, "0123456789abcdef")
    return states.of("ingest").artifact is not None


def linked_folders(folder: Path, rounds: int, rng: random.Random) -> dict[str, int]:
    """Hash and list folders with random links; check that it ends and reads nothing outside."""
    seen: Counter[str] = Counter(rounds=rounds, links=0, wrong=0)
    outside = folder / "outside"
    outside.mkdir(parents=True)
    for number in range(rounds):
        source = folder / f"source-{number}"
        seen["links"] += _random_tree(source, outside, rng)
        (outside / "canary.md").write_text("one")
        before = digest_of_paths([source], outwards=False)
        (outside / "canary.md").write_text("another")
        seen["wrong"] += digest_of_paths([source], outwards=False) != before
        listed = list_files(Source(kind="markdown", path=source), frozenset({".md"}))
        inside = os.path.realpath(source)
        for one in listed:
            if isinstance(one, ListedFile):
                seen["wrong"] += not os.path.realpath(one.path).startswith(f"{inside}/")
        shutil.rmtree(source)
    return dict(seen)


def _random_tree(source: Path, outside: Path, rng: random.Random) -> int:
    """Create folders, files, pipes and links of every kind; return the number of links."""
    source.mkdir()
    (source / "a.md").write_text("# A\n\ntext\n")
    folders, links = [source], 0
    targets = [".", "..", "../..", "/proc", "/proc/self", "/dev/zero", "/", str(outside), str(outside / "canary.md")]
    for number in range(rng.randint(5, 40)):
        parent = rng.choice(folders)
        kind = rng.random()
        if kind < 0.3:
            folders.append(parent / f"folder-{number}")
            folders[-1].mkdir()
        elif kind < 0.5:
            (parent / f"{number}.md").write_text(f"# {number}\n")
        elif kind < 0.55:
            os.mkfifo(parent / f"pipe-{number}.md")
        else:
            inner = os.path.relpath(rng.choice(folders), parent)
            (parent / f"link-{number}.md").symlink_to(rng.choice([*targets, inner, inner, f"link-{number}.md"]))
            links += 1
    return links
