"""Prove that a small museum trains to convergence with the default settings.

Takes 4 exhibits with 6 photos each from the sample museum, as a user's folder, and runs pipeline.yaml on it; then the
same for one exhibit. Every approach must end once its validation loss no longer falls. Writes the results to
docs/proofs.json. Exits with 1 if an approach did not converge.
Run it: `.venv/bin/python scripts/prove/small_museum.py`, about five minutes on two idle cores.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kills import note

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.records import Checkpoint
from docent.store import Artifact

ROOT = Path(__file__).resolve().parents[2]
MUSEUM = ROOT / "samples" / "museum"
PHOTOS = 6


def make_museum(folder: Path, exhibits: int, photos: int = PHOTOS) -> None:
    """Create a folder with photos and a description for each of the first exhibits of the sample museum."""
    with (MUSEUM / "raw_data.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))[:exhibits]
    for row in rows:
        exhibit_dir = folder / row["item_name"]
        exhibit_dir.mkdir(parents=True)
        (exhibit_dir / "description.txt").write_text(row["description"], encoding="utf-8")
        for name in row["train_images"].split()[:photos]:
            shutil.copy(MUSEUM / "images" / name, exhibit_dir / name)


def trained(run_dir: Path) -> dict[str, dict[str, object]]:
    """Return the training result in the checkpoint of every approach of a run."""
    results = {}
    for unit in sorted(run_dir.glob("finetune-*")):
        success = load_json(unit / "_SUCCESS.json")
        if success is None:
            raise SystemExit(f"{unit} is not complete")
        (row,) = Artifact(unit.name, unit / success["folder"], Success.model_validate(success)).rows(Checkpoint)
        results[row.approach] = {
            "converged": row.converged,
            "best_step": row.step,
            "steps": row.steps,
            "planned_steps": row.planned_steps,
            "validation_loss": row.validation_loss,
            "train_examples": row.train_examples,
        }
    return results


def main() -> int:
    """Run a museum of four exhibits and one of a single exhibit with the default settings."""
    seen: dict[str, object] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for exhibits in (4, 1):
            museum, data = Path(folder) / f"museum-{exhibits}", Path(folder) / f"runs-{exhibits}"
            make_museum(museum, exhibits)
            command = [sys.executable, "-m", "docent", "run", "--data", str(data), "--run", "mine", "--yes"]
            source = ["ingest.sources.0.kind=exhibits-folder", f"ingest.sources.0.path={museum}"]
            subprocess.run([*command, "--set", source[0], "--set", source[1]], cwd=ROOT, check=True)
            results = trained(data / "mine")
            seen[f"{exhibits} exhibits of {PHOTOS} photos"] = results
            failed = failed or not all(row["converged"] for row in results.values())
    note("small_museum", seen)
    print(json.dumps(seen, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
