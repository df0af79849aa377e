"""Describe for the data card which versions of the package `datasets` load the data set.

`scripts/prove/old_datasets.py` tries the versions. Older ones do not work: 2.21 does not know `metadata.parquet` and
gives a picture only one row, and before 4.0 there is no feature `List`, which `hf/` uses for documents.
"""

from docent.records import SPLITS
from docent.stages.build_dataset.exports.json_types import typed_loading
from docent.stages.build_dataset.tally import Tally

OLDEST_DATASETS, NEWEST_DATASETS = "4.0.0", "5.2.0"


def loading(tally: Tally) -> list[str]:
    """Return Markdown lines about versions, splits without files, and the types that `load_dataset` needs."""
    pictured = any(tally.pictures.values())
    line = f"Loads with `datasets` {OLDEST_DATASETS} or later; tried with {OLDEST_DATASETS} and {NEWEST_DATASETS}."
    if pictured:
        line += " Older ones may leave out rows of `images/` without a word: 2.21 gives one row a picture."
    with_rows = [split for split in SPLITS if tally.of_split(split)]
    lines = [line]
    if empty := [split for split in SPLITS if split not in with_rows]:
        lines += ["", f"Without rows, and so without files: {', '.join(empty)}."]
    return [*lines, *typed_loading(tally)]
