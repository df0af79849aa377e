"""Count the rows that `datasets` loads from a docent data set, by every method that its card names.

Reads the folder of a data set; prints one JSON object: the version of `datasets`, and for each method the rows of every
split, or why it failed. Imports nothing but `datasets`, so that the interpreter of any version can run it:
`python scripts/prove/loaded_rows.py runs/demo/build-dataset/latest`
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

SPLITS = ("train", "validation", "test")


def main(folder: Path) -> int:
    """Load the data set by every method."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"HF_HOME": cache, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
        counts = loaded_rows(folder, Path(cache))
        import datasets

        print(json.dumps({"version": datasets.__version__, "rows": counts}))
    return 0


def loaded_rows(folder: Path, cache: Path) -> dict[str, dict[str, int] | str]:
    """Return the rows of every split by loading method; an error text for a method that failed."""
    import datasets

    def load(*what: str, **options: Any) -> Any:
        return datasets.load_dataset(*what, cache_dir=str(cache), **options)

    ways: dict[str, Callable[[], Any]] = {
        "card": partial(load, str(folder)),
        "hf": partial(datasets.load_from_disk, str(folder / "hf")),
    }
    if any((folder / "images").glob("*/*")):
        ways["imagefolder"] = partial(load, "imagefolder", data_dir=str(folder / "images"))
    for form in ("chat-{}.jsonl", "conversations-{}.json"):
        files = {split: str(path) for split in SPLITS if (path := folder / form.format(split)).is_file()}
        if files:
            ways[form.partition("-")[0]] = partial(load, "json", data_files=files)
    if code := re.search(r"```python\n(.+?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL):
        named = [name for name in ways if re.search(rf"^{name} = ", code[1], re.MULTILINE)]
        ways |= {name: partial(by_card, folder, cache, code[1], name) for name in named}
    return {name: _counted(way) for name, way in ways.items()}


def by_card(folder: Path, cache: Path, code: str, name: str) -> Any:
    """Run the card's code in the data set's folder and return the variable `name`."""
    import datasets

    namespace: dict[str, Any] = {}
    before, datasets.config.HF_DATASETS_CACHE = datasets.config.HF_DATASETS_CACHE, cache
    try:
        with contextlib.chdir(folder):
            exec(code, namespace)  # noqa: S102 - docent wrote it a moment ago
    finally:
        datasets.config.HF_DATASETS_CACHE = before
    return namespace[name]


def _counted(load: Callable[[], Any]) -> dict[str, int] | str:
    """Return the rows by split, reading each of them; or the error text if loading fails."""
    try:
        loaded = load()
        columns = {str(split.features) for split in loaded.values()}
        if len(columns) > 1:
            return f"the splits differ in their columns: {sorted(columns)}"
        return {name: sum(1 for _ in split) for name, split in loaded.items()}
    except Exception as error:  # noqa: BLE001 - whatever a version raises is what the proof is about
        return f"{type(error).__name__}: {str(error.__cause__ or error)[:300]}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
