"""Stage report: write one self-contained HTML page about the run, for people who did not run it.

Reads the outputs of all other configured stages (rows, counts, `summary.json`, `audit.json`, `train_log.jsonl`, test
photos); the page has no section for a skipped stage. Writes `index.html` and no rows. The seconds, tokens and versions
on the page come from the run's markers, so the page is the only output that differs between repeats.
Run alone: `docent stage report --config pipeline.yaml --run-dir runs/demo`.

Data flow: facts.py collects the data, sentences/verdict.py writes the verdict, charts.py draws, page.py renders.
Start reading at `facts.py`.
"""

from collections.abc import Iterator

from docent.context import Context
from docent.records import Row
from docent.stages.report.facts import gather
from docent.stages.report.page import render


def run(ctx: Context) -> Iterator[Row]:
    """Write the page.

    Raises:
        InputError: an input does not have the format that its stage writes.
    """
    ctx.output_file("index.html", render(gather(ctx)).encode("utf-8"))
    ctx.progress.update(1, 1, "index.html")
    yield from ()
