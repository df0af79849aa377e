"""List next steps: the last section of the page, with commands that work as printed.

Reads the reject counts of the run; writes nothing. Lists only steps that apply to the run, starting with missing or
faulty parts. exhibits.py has the steps about exhibits, data.py the steps about the data set and the models.
"""

import math
import shlex
from collections.abc import Iterator

from docent.messages.plurals import joined
from docent.records import Document
from docent.stages.report.sentences.amounts import counted, plural, thousands
from docent.stages.report.steps.data import data_set, licence, models, pairs, pushed, teacher
from docent.stages.report.steps.exhibits import confused, few_photos, small_test, untitled
from docent.stages.report.steps.step import Known, NextStep

OPEN_FILES = ("exhibits-csv",)
"""Kinds of sources that `docent ingest PATH` would read as another kind."""


def next_steps(known: Known) -> tuple[NextStep, ...]:
    """Return the next steps for this run, in page order."""
    first, last = ((), (data_set,)) if known.training else ((data_set,), ())
    steps = (
        _failed, _leaks, pushed, *first, _unusable, small_test, limited, _unconverged, few_photos, confused, _cut,
        untitled, teacher, pairs, licence, *last, models,
    )  # fmt: skip
    return tuple(step for steps_about in steps for step in steps_about(known))


def _failed(known: Known) -> Iterator[NextStep]:
    if known.gaps:
        units = list(dict.fromkeys(gap.unit for gap in known.gaps))
        parts = counted(len(known.gaps), "part")
        yield NextStep(
            f"{parts} of this run failed and {plural(len(known.gaps), 'is', 'are')} missing. See why:",
            tuple(known.commands.logs(unit) for unit in units),
        )


def _leaks(known: Known) -> Iterator[NextStep]:
    if not (known.evidence.audit and known.evidence.audit.leaks):
        return
    if known.ctx.config.assemble and known.ctx.config.assemble.split != "clean":
        text = "Test photos leak into training. Split again so that all copies of a photo are in one split:"
        yield NextStep(text, (known.commands.run("assemble.split=clean"),))
    else:
        yield NextStep("Test photos leak into training: remove the copies that the leak audit names, then run again.")


def _unusable(known: Known) -> Iterator[NextStep]:
    """Show how to list photos, files and rows of the sources that could not be used."""
    artifact = known.ctx.artifact(Document)
    if artifact is None or not artifact.success.rejected or not known.ctx.config.ingest:
        return
    rejected = artifact.success.rejected
    sources = known.ctx.config.ingest.sources
    text = f"{thousands(rejected)} of the photos, files or rows that were found could not be used. See which, and why:"
    if rejected == 1:
        text = "1 photo, file or row that was found could not be used. See which, and why:"
    if all(s.kind not in OPEN_FILES and not s.path.is_absolute() for s in sources):
        paths = dict.fromkeys(source.path.as_posix() for source in sources)
        yield NextStep(text, (shlex.join(["docent", "ingest", *paths]),))
    else:
        yield NextStep(f"{text} {known.commands.output(artifact, 'rejects-*.jsonl')}")


def limited(known: Known) -> Iterator[NextStep]:
    """Suggest removing the limit on training steps; otherwise later runs keep it, like all settings."""
    section = known.ctx.config.finetune
    if section and section.max_steps:
        steps = counted(section.max_steps, "step")
        text = f"Training was limited to {steps}, and later runs keep that limit. To train without it:"
        yield NextStep(text, (known.commands.run("finetune.max_steps=null"),))


def _unconverged(known: Known) -> Iterator[NextStep]:
    curves = [curve for curve in known.training if not curve.converged and curve.checkpoint]
    section = known.ctx.config.finetune
    if not curves or section is None:
        return
    names = joined([curve.approach for curve in curves])
    text = f"Training of {names} had not converged: the validation loss was still falling at the last step. "
    if section.max_steps is not None:
        yield NextStep(text + "Train longer:", (known.commands.run("finetune.max_steps=null"),))
    elif any(c.checkpoint and c.checkpoint.steps < c.checkpoint.planned_steps for c in curves):
        yield NextStep(
            text + "It ended early; let it go on to the last planned step:",
            (known.commands.run("finetune.patience=0"),),
        )
    elif any(a.epochs is not None for a in section.approaches if a.name in {c.approach for c in curves}):
        yield NextStep(text + "Raise `epochs` of the approach in the pipeline file.")
    else:
        epochs = math.ceil(2 * max(curve.checkpoint.epochs for curve in curves if curve.checkpoint))
        yield NextStep(text + "Train for twice as many epochs:", (known.commands.run(f"finetune.epochs={epochs}"),))


def _cut(known: Known) -> Iterator[NextStep]:
    """Suggest a higher token limit if answers of fine-tuned models were cut."""
    cut = [ended for ended in known.ended if ended.cut and ended.arm in known.evidence.tuned]
    limits = [ended.limit_tokens for ended in cut if ended.limit_tokens]
    if limits and known.ctx.config.answer:
        text = f"{joined([ended.sentence for ended in cut])}. If they do not repeat themselves, a higher limit helps. "
        yield NextStep(
            f"{text}It asks the models again and trains none:",
            (known.commands.run(f"answer.max_new_tokens={2 * max(limits)}"),),
        )
