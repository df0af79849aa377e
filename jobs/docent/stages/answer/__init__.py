"""Stage `answer`: answer every test example with one arm; a unit is one arm.

Reads the data set and, for fine-tuned arms, the model. Writes one Answer per test example, in the order of the
examples; the stage score computes metrics and CSV files from them. Every fine-tuned approach is an arm of the same
name; the arms that it is compared with are the rows of `docent.tables.ARMS`. Examples are batched before they are
divided into shards, because the composition of a batch may change the last bits of an answer.
Run alone: `docent stage answer-base --config pipeline.yaml --run-dir runs/demo --shard 0/1`.

To add an arm, write one function here and add one row to `docent.tables.ARMS`. Start reading at `questions.py`.
"""

from collections.abc import Iterator

from docent.context import Context
from docent.errors import InputError
from docent.models.chat import require_pictures
from docent.records import Answer, Checkpoint, Example
from docent.stages.answer import generated
from docent.stages.answer.questions import Questions, batched
from docent.tables import ARMS, function_at


def run(ctx: Context) -> Iterator[Answer]:
    """Answer the test examples of this shard.

    Raises:
        InputError: the data set has no test rows, or has rows without a picture; a picture cannot be read; or the arm
            needs training rows and there are none.
        ConfigError: the model cannot be loaded.
    """
    examples = ctx.rows(Example)
    require_pictures(examples)
    tests = [example for example in examples if example.split == "test"]
    if not tests:
        raise InputError("the data set has no test rows", "build-dataset", "docent run --set assemble.test_images=1")
    train = [example for example in examples if example.split == "train"]
    questions = Questions(ctx.mine(batched(tests, ctx.section.batch_size)), train)
    is_tuned = any(artifact.part == ctx.unit.part for artifact in ctx.artifacts(Checkpoint))
    arm = generated.tuned if is_tuned else function_at(ARMS[ctx.unit.part].run)
    for done, answer in enumerate(arm(ctx, questions), 1):
        ctx.progress.update(done, questions.total, f"{ctx.unit.part}: {answer.item_name}")
        yield answer
