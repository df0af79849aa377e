"""An arm, a metric, an image metric and an approach are each one function and one row."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

import docent
from docent.config import PipelineConfig
from docent.config.stages import AssessImages
from docent.tables import APPROACHES, ARMS, IMAGE_METRICS, METRICS

REPOSITORY = Path(__file__).parents[2]

# Table, module of the function, function, row.
ADDED = (
    (
        "ARMS",
        "stages/answer/looked_up.py",
        '''
def echo(ctx, asked):
    """Repeat the question."""
    for batch in asked.batches:
        for example in batch:
            yield answer_row(ctx.unit.part, example, example.question)
''',
        'ARMS["echo"] = ArmKind("docent.stages.answer.looked_up:echo", "floor", "an echo", "Repeats the question.")',
    ),
    (
        "METRICS",
        "evidence/metrics.py",
        '''
def capitals(judged):
    """Return the share of capital letters."""
    return sum(map(str.isupper, judged.answer)) / max(1, len(judged.answer))
''',
        'METRICS["capitals"] = Metric("capitals", "docent.evidence.metrics:capitals", "Capitals", "lower", '
        '"Share of capital letters.", share=True)',
    ),
    (
        "IMAGE_METRICS",
        "vision/quality.py",
        '''
def redness(photo):
    """Return the mean of the red channel."""
    return float((photo.counts[0] * np.arange(256)).sum() / photo.counts[0].sum())
''',
        'IMAGE_METRICS["redness"] = ImageMetric("redness", "docent.vision.quality:redness", most=50.0, '
        'too_high="too red")',
    ),
    (
        "APPROACHES",
        "stages/finetune/approaches.py",
        '''
def train_nothing(model, approach, base_model, seed):
    """Leave the model as it is."""
    return model
''',
        'APPROACHES["frozen"] = ApproachKind("docent.stages.finetune.approaches:train_nothing", '
        '"Nothing learns.", learning_rate=0.0)',
    ),
)

# The run of tests/report_run.py, with the real stages for what was added; a made-up encoder spares torch.
RUN = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from tests import report_run
from docent.artifacts.summaries import ScoreSummary
from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.metrics import score_answers
from docent.records import Answer, Example, ImageQuality, Item, Score
from docent.stages import answer, assess_images
from docent.stages.score.summary import arm_means

def encode(texts):
    vectors = np.array([[len(text), text.count("e") + 1, 1] for text in texts], dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

def score(ctx):
    examples, exhibits = ctx.rows(Example), known_exhibits(ctx.stream(Item), ctx.stream(Example))
    train = [(example.item_id, example.answer) for example in examples if example.split == "train"]
    scores = score_answers(ctx.rows(Answer), train, exhibits, encode)
    ctx.output_summary(ScoreSummary(arms=arm_means(scores), items=4, test_examples=8))
    yield from scores

stand_in = report_run.answer
report_run.answer = lambda ctx: (answer.run if ctx.unit.part == "echo" else stand_in)(ctx)
report_run.assess_images, report_run.score = assess_images.run, score
story = report_run.Story()
story.right["frozen"] = 0.5
story.sections["finetune"] = {"base_model": "samples/docent-tiny", "approaches": ["lora", "frozen"]}
print(report_run.make_run(Path(sys.argv[1]), story))
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a run by a copy of docent in which each table has one more row."""
    folder = tmp_path_factory.mktemp("copy")
    copy = folder / "jobs" / "docent"
    shutil.copytree(Path(docent.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    tables = copy / "tables.py"
    for _, module, function, row in ADDED:
        (copy / module).write_text(f"{(copy / module).read_text(encoding='utf-8')}\n{function}", encoding="utf-8")
        tables.write_text(f"{tables.read_text(encoding='utf-8')}\n{row}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder / "runs" / "demo")],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(copy.parent), str(REPOSITORY)])},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Path(done.stdout.splitlines()[-1]).read_text(encoding="utf-8")


def test_an_arm_that_is_added_answers_and_stands_in_the_report(page: str) -> None:
    row = page[page.index('data-value="echo"') :].split("</tr>")[0]
    assert "Repeats the question." in row and '<td class="figure" data-value="8">8</td>' in row


def test_a_metric_that_is_added_has_its_column_and_its_word_in_the_glossary(page: str) -> None:
    head = page[page.index('id="arms-table"') :].split("</thead>")[0]
    assert re.findall(r'data-sort="number">([^<]+)', head)[-2:] == ["Capitals", "Answers"]
    glossary = page[page.index('class="glossary"') :]
    assert re.search(r"Capitals <[^>]+>lower is better</span></dt><dd>Share of capital letters\.", glossary)


def test_an_image_metric_that_is_added_rejects_photos_with_its_reason(page: str) -> None:
    kept = page[page.index('<th scope="row">Kept</th>') :].split("</tr>")[0]
    assert "× too red" in kept


def test_an_approach_that_is_added_is_trained_and_explained(page: str) -> None:
    assert "Nothing learns." in page[page.index('data-value="frozen"') :].split("</tr>")[0]
    assert "Losses of frozen" in page and "finetune-frozen" in page


def test_the_configuration_knows_the_rows_of_the_tables_alone() -> None:
    finetune = {"base_model": "samples/docent-tiny"}
    for section, value in (("finetune", {**finetune, "approaches": ["frozen"]}), ("answer", {"arms": ["echo"]})):
        with pytest.raises(ValidationError):
            PipelineConfig.model_validate({section: value})
    PipelineConfig.model_validate(
        {"finetune": {**finetune, "approaches": list(APPROACHES)}, "answer": {"arms": list(ARMS)}}
    )


def test_limits_of_photos_that_are_set_by_name_are_fields_of_the_configuration() -> None:
    names = {metric.least for metric in IMAGE_METRICS.values() if isinstance(metric.least, str)}
    assert names and names <= AssessImages.model_fields.keys()
    for metric in IMAGE_METRICS.values():
        assert (metric.least is None) == (not metric.too_low) and (metric.most is None) == (not metric.too_high)


@pytest.mark.parametrize("table", [ARMS, METRICS, IMAGE_METRICS, APPROACHES])
def test_every_row_names_a_function_that_is_there(table: Mapping[str, object]) -> None:
    for row in table.values():
        path = next(value for value in vars(row).values() if isinstance(value, str) and ":" in value)
        module, _, name = path.partition(":")
        text = (REPOSITORY / "jobs" / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text
