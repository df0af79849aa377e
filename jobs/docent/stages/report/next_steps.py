"""What to do next: the last section of the page, in plain words, with commands that work as they stand there.

Reads the reject counts of the run and the notes of build-dataset; writes nothing. Only what applies to the run is
listed, what is missing or wrong first.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docent.collection import COLLECTION, UNNAMED, SourceNames, license_of
from docent.context import Context
from docent.plurals import counted, joined
from docent.stages.report.cautions import OFFLINE_TEACHER
from docent.stages.report.commands import Commands
from docent.stages.report.confusions import Confusion
from docent.stages.report.findings import Evidence, exhibits_needed, too_small
from docent.stages.report.funnel import Funnel
from docent.stages.report.runcard import Gap
from docent.stages.report.summary import file_of
from docent.stages.report.training import Curve
from docent.stages.report.wording import ACCURACY

PHOTOS_NEEDED = 5
"""Photos of an exhibit that make an honest test: for training, for the choice of a checkpoint, and for the test."""
MAX_NAMED = 5
OPEN_FILES = ("exhibits-csv",)
"""Kinds of sources that `docent ingest PATH` reads as something else."""


@dataclass(frozen=True)
class NextStep:
    """One thing to do: why and what, then the commands for it."""

    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What the steps are derived from."""

    evidence: Evidence
    funnel: Funnel
    training: Sequence[Curve]
    gaps: Sequence[Gap]
    sources: Sequence[SourceNames]
    confusions: Sequence[Confusion]


def next_steps(ctx: Context, known: Known) -> tuple[NextStep, ...]:
    """What to do next with this run."""
    commands = Commands(ctx)
    return (
        *_failed(known, commands),
        *_leaks(ctx, known, commands),
        *_unusable(ctx, commands),
        *_unconverged(ctx, known, commands),
        *_small_test(known),
        *_few_photos(known),
        *_confused(known),
        *_teacher(ctx, known, commands),
        *_pairs(ctx, known, commands),
        *_licence(ctx, known, commands),
        *_results(ctx, commands),
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
    artifact = ctx.inputs.get("ingest")
    rejected = artifact.success["rejected"] if artifact else 0
    if not rejected or not ctx.config.ingest:
        return
    sources = ctx.config.ingest.sources
    text = f"{rejected} of the photos, files or rows that were found could not be used. See which, and why:"
    if rejected == 1:
        text = "1 photo, file or row that was found could not be used. See which, and why:"
    if all(s.kind not in OPEN_FILES and not s.path.is_absolute() for s in sources):
        paths = dict.fromkeys(source.path.as_posix() for source in sources)
        yield NextStep(text, (shlex.join(["docent", "ingest", *paths]),))
    else:
        yield NextStep(f"{text} {commands.output(ctx, 'ingest', 'rejects-*.jsonl')}")


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


def _small_test(known: Known) -> Iterator[NextStep]:
    evidence = known.evidence
    scored = any(ACCURACY in metrics for metrics in evidence.arms.values())
    if not scored or evidence.item != "exhibit" or not too_small(evidence, ACCURACY):
        return
    needed = exhibits_needed(evidence, ACCURACY)
    have = counted(evidence.exhibits, "exhibit")
    more = counted(needed - evidence.exhibits, "more exhibit", "more exhibits")
    text = f"The test has {have}; a difference can be statistically significant with {needed} or more. "
    yield NextStep(f"{text}Add {more} with photos.")


def _few_photos(known: Known) -> Iterator[NextStep]:
    missing = {name: PHOTOS_NEEDED - n for name, n in known.funnel.originals.items() if n < PHOTOS_NEEDED}
    if missing:
        listed = [f"{name} ({counted(n, 'more photo', 'more photos')})" for name, n in missing.items()]
        yield NextStep(
            f"An honest test needs {PHOTOS_NEEDED} usable photos or more of each exhibit. Add photos of: "
            f"{_first(listed)}."
        )
    if known.funnel.untested:
        yield NextStep(f"Not tested, for want of photos: {_first(known.funnel.untested)}.")


def _first(names: Sequence[str]) -> str:
    """The first few, the others counted."""
    more = [f"{len(names) - MAX_NAMED} others"] if len(names) > MAX_NAMED else []
    return joined([*names[:MAX_NAMED], *more])


def _confused(known: Known) -> Iterator[NextStep]:
    if known.confusions:
        found = [f"{one.exhibit} with {one.other} ({counted(one.answers, 'answer')})" for one in known.confusions]
        yield NextStep(
            f"The best fine-tuned model confuses {joined(found)}. Add photos of these exhibits from other sides, and "
            "say in their descriptions what sets them apart."
        )


def _teacher(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    if OFFLINE_TEACHER not in known.evidence.teachers:
        return
    missing = _shortfall(ctx)
    unasked = f", and {missing} that were asked for are not written" if missing > 1 else ""
    sets = ("llm.provider=openai", "llm.model=gpt-4o-mini")
    estimate = (commands.run(*sets, verb="estimate"),) if commands.local else ()
    yield NextStep(
        f"The offline teacher takes questions and answers from the text as it stands{unasked}. A language model writes "
        "richer ones: put the key of an OpenAI-compatible endpoint into the variable OPENAI_API_KEY, look at the "
        "price, then run:",
        (*estimate, commands.run(*sets)),
    )


def _shortfall(ctx: Context) -> int:
    """Pairs that the teacher was asked for and did not write."""
    path = file_of(ctx.inputs.get("build-dataset"), "statistics.json")
    found = json.loads(path.read_text(encoding="utf-8")) if path else {}
    return sum(int(line.get("missing", 0)) for line in found.get("shortfall", ()))


def _pairs(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    if not commands.local or "generate-qa" not in ctx.inputs or not known.funnel.pairs:
        return
    artifact = ctx.inputs.get("curate")
    rejected = artifact.success["rejected"] if artifact else 0
    left_out = f"The checks left out {counted(rejected, 'pair')}. " if rejected else ""
    yield NextStep(f"{left_out}Read the questions and answers, and approve or edit them:", (commands.review(),))


def _licence(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    section = ctx.config.build_dataset
    if section is None or "build-dataset" not in ctx.inputs or section.license:
        return
    if license_of(known.sources) == UNNAMED:
        again = " (this trains again, with the same result)" if known.training else ""
        yield NextStep(
            f"The data set names no licence; its card says `{UNNAMED}`. Set yours before you pass it on{again}, here "
            f"or in {COLLECTION} in the folder of the material:",
            (commands.run("build_dataset.license=cc-by-4.0"),),
        )


def _results(ctx: Context, commands: Commands) -> Iterator[NextStep]:
    """Where the data set and the models lie."""
    if "build-dataset" in ctx.inputs:
        readme = commands.output(ctx, "build-dataset", "README.md")
        yield NextStep(f"The data set is in {commands.output(ctx, 'build-dataset')}/; start with its card, {readme}.")
    for artifact in ctx.artifacts("finetune"):
        where = commands.output(ctx, artifact.unit, "model")
        yield NextStep(f"The model {artifact.unit.removeprefix('finetune-')} is in {where}/.")
