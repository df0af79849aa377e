"""What to do next: the last section of the page, in plain words, with commands that work as they stand there.

Reads the reject counts of the run; writes nothing. Only what applies to the run is listed, what is missing or wrong
first. Steps about exhibits are in steps_exhibits.py, those about the data set and the models in steps_data.py.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from docent.context import Context
from docent.messages.plurals import joined
from docent.records import Document
from docent.stages.report.inputs.generation import marked
from docent.stages.report.sentences.amounts import counted, thousands
from docent.stages.report.steps.commands import Commands
from docent.stages.report.steps.data import data_set, licence, models, pairs, pushed, teacher
from docent.stages.report.steps.exhibits import confused, few_photos, small_test, untitled
from docent.stages.report.steps.step import Known, NextStep

OPEN_FILES = ("exhibits-csv",)
"""Kinds of sources that `docent ingest PATH` reads as something else."""


def next_steps(ctx: Context, known: Known) -> tuple[NextStep, ...]:
    """What to do next with this run."""
    commands = Commands(ctx)
    return (
        *_failed(known, commands),
        *_leaks(ctx, known, commands),
        *pushed(ctx, commands),
        *(() if known.training else data_set(ctx, known, commands)),
        *_unusable(ctx, commands),
        *small_test(ctx, known, commands),
        *limited(ctx, commands),
        *_unconverged(ctx, known, commands),
        *few_photos(known, commands),
        *confused(known, commands),
        *_cut(ctx, known, commands),
        *untitled(ctx, known, commands),
        *teacher(ctx, known, commands),
        *pairs(ctx, known, commands),
        *licence(ctx, known, commands),
        *(data_set(ctx, known, commands) if known.training else ()),
        *models(ctx, known, commands),
    )


def _failed(known: Known, commands: Commands) -> Iterator[NextStep]:
    if known.gaps:
        units = list(dict.fromkeys(gap.unit for gap in known.gaps))
        parts = counted(len(known.gaps), "part")
        yield NextStep(
            f"{parts} of this run failed and {'is' if len(known.gaps) == 1 else 'are'} missing. See why:",
            tuple(commands.logs(unit) for unit in units),
        )


def _leaks(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    if not known.evidence.leaks:
        return
    if ctx.config.assemble and ctx.config.assemble.split != "clean":
        text = "Test photos leak into training. Split again so that all copies of a photo are in one split:"
        yield NextStep(text, (commands.run("assemble.split=clean"),))
    else:
        yield NextStep("Test photos leak into training: remove the copies that the leak audit names, then run again.")


def _unusable(ctx: Context, commands: Commands) -> Iterator[NextStep]:
    """Photos, files and rows of the sources that could not be used, and where they are named."""
    artifact = ctx.artifact(Document)
    rejected = artifact.success.rejected if artifact else 0
    if not rejected or not ctx.config.ingest:
        return
    sources = ctx.config.ingest.sources
    text = f"{thousands(rejected)} of the photos, files or rows that were found could not be used. See which, and why:"
    if rejected == 1:
        text = "1 photo, file or row that was found could not be used. See which, and why:"
    if all(s.kind not in OPEN_FILES and not s.path.is_absolute() for s in sources):
        paths = dict.fromkeys(source.path.as_posix() for source in sources)
        yield NextStep(text, (shlex.join(["docent", "ingest", *paths]),))
    else:
        yield NextStep(f"{text} {commands.output(ctx, 'ingest', 'rejects-*.jsonl')}")


def limited(ctx: Context, commands: Commands) -> Iterator[NextStep]:
    """How to lift a limit on the steps of training, which later runs keep as they keep all settings."""
    section = ctx.config.finetune
    if section and section.max_steps:
        text = (
            f"Training was limited to {counted(section.max_steps, 'step')}, and later runs keep that limit. To train "
        )
        yield NextStep(f"{text}as long as the data asks for:", (commands.run("finetune.max_steps=null"),))


def _unconverged(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    curves = [curve for curve in known.training if not curve.converged and curve.checkpoint]
    section = ctx.config.finetune
    if not curves or section is None:
        return
    names = joined([curve.approach for curve in curves])
    text = f"Training of {names} had not converged: the validation loss was still falling at the last step. "
    if section.max_steps is not None:
        yield NextStep(text + "Let it train on:", (commands.run("finetune.max_steps=null"),))
    elif any(c.checkpoint and c.checkpoint.steps < c.checkpoint.planned_steps for c in curves):
        yield NextStep(
            text + "It ended early; let it go on to the last planned step:", (commands.run("finetune.patience=0"),)
        )
    elif any(a.epochs is not None for a in section.approaches if a.name in {c.approach for c in curves}):
        yield NextStep(text + "Raise `epochs` of the approach in the pipeline file.")
    else:
        epochs = math.ceil(2 * max(curve.checkpoint.epochs for curve in curves if curve.checkpoint))
        yield NextStep(text + "Train for twice as many epochs:", (commands.run(f"finetune.epochs={epochs}"),))


def _cut(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """Answers of fine-tuned models that ended at the limit of tokens."""
    cut = [one for one in marked(known.ended) if one.arm in known.evidence.tuned]
    limits = [one.limit_tokens for one in cut if one.limit_tokens]
    if limits and ctx.config.answer:
        text = f"{joined([one.said for one in cut])}. Where they do not repeat themselves, a higher limit helps. "
        yield NextStep(
            f"{text}It asks the models again and trains none:",
            (commands.run(f"answer.max_new_tokens={2 * max(limits)}"),),
        )
