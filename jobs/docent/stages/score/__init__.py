"""Stage `score`: compute every metric for every answer, using only rows.

Reads the answers of all arms, the data set (training answers, references) and, if present, the output of assemble
(names and source texts). Writes one Score per answer, `summary.json` (means, intervals, paired comparisons), and for
people `scores.csv` and `answers-<arm>.csv`. Loads no trained model: the encoder is fixed and the same for every arm.
Run alone: `docent stage score --config pipeline.yaml --run-dir runs/demo`.
Start reading at `run`, then summary.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from docent.artifacts.summaries import LeakAudit, ScoreSummary, read_summary
from docent.context import Context
from docent.errors import InputError
from docent.evidence import encoder
from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.metrics import rounded, score_answers
from docent.evidence.statistics import Resampling
from docent.pipeline import section_of
from docent.records import Answer, Example, Item, Score
from docent.stages.score.exports import answers_csv, scores_csv
from docent.stages.score.summary import arm_means, comparisons, interval_notes, metric_means
from docent.tables import METRICS

# The references are scored as the answers of an arm with this name: the highest score that an answer can get.
CEILING = "the references"


def run(ctx: Context) -> Iterator[Score]:
    """Score every answer.

    Raises:
        InputError: there is nothing to score, or an answer belongs to another data set.
        ConfigError: the encoder is missing or is not the pinned one.
    """
    examples = ctx.rows(Example)
    answers = ctx.rows(Answer)
    tests = {example.id: example for example in examples if example.split == "test"}
    check_references(answers, tests)
    train = [example for example in examples if example.split == "train"]
    ctx.progress.update(0, len(answers), "loading the encoder")
    model = encoder.load_encoder(ctx.config.run.threads)
    ctx.progress.update(0, len(answers), "encoding")
    scored = score_answers(
        [*answers, *map(_perfect, tests.values())],
        [(example.item_id, example.answer) for example in train],
        known_exhibits(ctx.rows(Item), examples),
        lambda texts: encoder.encode(model, texts),
    )
    scores, ceiling = scored[: len(answers)], scored[len(answers) :]
    texts = [text for a in answers for text in (a.answer, a.reference)] + [example.answer for example in train]
    encoder_used = {
        "name": encoder.NAME,
        "sha256": encoder.SHA256,
        "truncated_share": rounded(encoder.truncated_share(model, texts)),
    }
    ctx.output_summary(summarise(ctx, scores, ceiling, examples, encoder_used))
    ctx.output_file("scores.csv", scores_csv(scores, tests))
    for arm in dict.fromkeys(answer.arm for answer in answers):
        ctx.output_file(f"answers-{arm}.csv", answers_csv([a for a in answers if a.arm == arm], tests))
    ctx.progress.update(len(scores), len(scores), "scored")
    yield from scores


def check_references(answers: Sequence[Answer], tests: dict[str, Example]) -> None:
    """Check that every answer's test example is in the data set, with the same reference and exhibit.

    Raises:
        InputError: there are no answers, or one belongs to another data set.
    """
    if not answers:
        raise InputError("there are no answers to score", "answer", "docent run --from answer")
    for answer in answers:
        example = tests.get(answer.example_id)
        if example is None or (example.answer, example.item_id) != (answer.reference, answer.item_id):
            raise InputError(
                f"answer {answer.id} of arm {answer.arm} belongs to a test example that is not in the data set",
                f"answer-{answer.arm}",
                "docent run --from answer",
            )


def summarise(
    ctx: Context, scores: Sequence[Score], ceiling: Sequence[Score], examples: Sequence[Example], encoder_used: Any
) -> ScoreSummary:
    """Return the content of `summary.json`."""
    resampling = Resampling(ctx.section.bootstrap_draws, ctx.config.seed)
    finetune = section_of(ctx.config, "finetune")
    tuned = [approach.name for approach in finetune.approaches] if finetune else []
    trained, tested = ({one.item_id for one in examples if one.split == split} for split in ("train", "test"))
    leaks = read_summary(ctx.artifact(Example), LeakAudit)
    return ScoreSummary(
        arms=arm_means(scores),
        ceiling={name: mean for name, mean in metric_means(ceiling).items() if METRICS[name].ceiling},
        comparisons=tuple(comparisons(scores, tuned, resampling)),
        items=len(tested),
        test_examples=sum(example.split == "test" for example in examples),
        notes=tuple(interval_notes(len(tested), _called(tested, ctx.stream(Item)))),
        leaks=leaks.model_dump(exclude_unset=True) if leaks else None,
        encoder=encoder_used,
        # The accuracy of guessing one of the training exhibits.
        chance=rounded(1 / len(trained)) if trained else None,
    )


def _called(tested: set[str], items: Iterable[Item]) -> str:
    """Return the word for one tested item: `section`, `exhibit`, or `item` if there are both."""
    kinds = {item.kind for item in items if item.id in tested}
    return "section" if kinds == {"section"} else "item" if "section" in kinds else "exhibit"


def _perfect(example: Example) -> Answer:
    return Answer(
        id=example.id,
        arm=CEILING,
        example_id=example.id,
        item_id=example.item_id,
        item_name=example.item_name,
        image_name=example.image_name,
        question=example.question,
        answer=example.answer,
        reference=example.answer,
    )
