"""Stage report: write one self-contained HTML page about the run, readable by people who did not run it.

Reads every other stage that the configuration has (rows, counts, `summary.json`, `audit.json`, `train_log.jsonl`, test
photos); a skipped stage leaves its part of the page out. Writes `index.html` and no rows. The seconds, tokens and
versions on the page come from the markers of the run, so the page is the only output that differs between repeats.
Run alone: `docent stage report --config pipeline.yaml --run-dir runs/demo`.

The path of the data: facts.py gathers, sentences/verdict.py judges, charts.py draws, page.py renders.
"""

from __future__ import annotations

from collections.abc import Iterator

from docent.context import Context
from docent.records import Row
from docent.stages.report.facts import gather
from docent.stages.report.page import render


def run(ctx: Context) -> Iterator[Row]:
    """Write the page.

    Raises:
        InputError: an input is not what its stage writes.
    """
    ctx.output_file("index.html", render(gather(ctx)).encode("utf-8"))
    ctx.progress.update(1, 1, "index.html")
    yield from ()
