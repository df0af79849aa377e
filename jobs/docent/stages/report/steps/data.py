"""Next steps about the pairs, the data set and the models. Reads the notes of build-dataset; writes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from docent.artifacts.pushed import is_open, read_push
from docent.config.stages import EDITS_PLACEHOLDER, LICENSE_PLACEHOLDER
from docent.context import Context
from docent.messages.plurals import joined
from docent.records import Checkpoint, Example, QAPair
from docent.source_files.collection import COLLECTION, UNNAMED, license_of
from docent.stages.report.inputs.summary import read_unwritten
from docent.stages.report.runcard import shortened
from docent.stages.report.sentences.amounts import counted, thousands
from docent.stages.report.sentences.cautions import OFFLINE_TEACHER, offline_answers, offline_gaps
from docent.stages.report.sentences.wording import ACCURACY, percent
from docent.stages.report.steps.commands import Commands
from docent.stages.report.steps.step import Known, NextStep, collection_place


def teacher(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """How a language model is asked instead of the offline teacher, and what that sends, keeps and redoes."""
    if OFFLINE_TEACHER not in known.evidence.teachers:
        return
    missing = read_unwritten(ctx).total()
    are = "is" if missing == 1 else "are"
    unwritten = f" {thousands(missing)} of the pairs asked for {are} not written." if missing else ""
    subject = known.funnel.subject
    sent = joined(
        [*(["the descriptions of the exhibits"] if subject.exhibits else []),
         *(["the texts of the documents"] if subject.documents else []),
         *(["their figures"] if subject.pictured else [])]
    )  # fmt: skip
    photos = ", photos of exhibits are not" if subject.exhibits else ""
    again = ", and trains again" if known.training else ""
    sets = ("llm.provider=openai", "llm.model=gpt-4o-mini")
    estimate = (commands.run(*sets, verb="estimate"),) if commands.local else ()
    yield NextStep(
        "The offline teacher fills fixed patterns of questions; its answers are "
        f"{offline_answers(known.evidence)}. {offline_gaps(known.evidence)}{unwritten} A language model writes richer "
        f"pairs. Mind that {sent} are then sent to its service{photos}. "
        "Any OpenAI-compatible endpoint will do: add --set llm.base_url=https://... for another one than OpenAI's. Put "
        "its key into the environment (export OPENAI_API_KEY=...), look at the price, then run, which makes the pairs "
        f"anew{again}. The run remembers these settings, so that later commands need not repeat them, and keeps the "
        "replies, so that none is paid twice; the pairs written so far stay in their folder until docent gc:",
        (*estimate, commands.run(*sets)),
    )


def pairs(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """How people read the pairs, and how their decisions come into the data set."""
    if not commands.local or not ctx.writers(QAPair) or not known.funnel.pairs:
        return
    artifact = next(iter(ctx.revisers(QAPair)), None)
    rejected = artifact.success.rejected if artifact else 0
    left_out = f"The checks left out {counted(rejected, 'pair')}. " if rejected else ""
    later = " Choose the teacher first: decisions are about the pairs that were read." if _is_offline(known) else ""
    again = ", which trains again" if known.training else ""
    these = ", those left out as well" if rejected else ""
    text = f"{left_out}Read the questions and answers{these}, and approve, edit or reject them.{later}"
    if artifact is None:  # nothing uses decisions
        yield NextStep(text, (commands.review(),))
        return
    folder, _, saved = EDITS_PLACEHOLDER.partition("/")
    yield NextStep(
        f"{text} The page that the first command writes saves what you decide. In place of {folder} below put the "
        f"folder in which your browser saved {saved}, usually the downloads folder. Then build the data set from "
        f"it{again}:",
        (
            commands.review(),
            commands.review(EDITS_PLACEHOLDER),
            commands.run(f"curate.edits={commands.folder}/review/edits.csv"),
        ),
    )


def _is_offline(known: Known) -> bool:
    return OFFLINE_TEACHER in known.evidence.teachers


def licence(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """How the data set gets a licence, where nobody named one."""
    section = ctx.config.build_dataset
    if section is None or not ctx.artifacts(Example) or section.license:
        return
    if license_of(known.sources) == UNNAMED:
        again = ". This trains again, with the same result" if known.training else ""
        place = collection_place(ctx)
        stated = f', or as license: "..." into {COLLECTION} {place}' if place else ""
        yield NextStep(
            f"The data set names no licence; its card says “{UNNAMED}”. Before you pass it on, put yours, such as "
            f"cc-by-4.0, in place of {LICENSE_PLACEHOLDER} below{stated}{again}:",
            (commands.run(f"build_dataset.license={LICENSE_PLACEHOLDER}"),),
        )


def data_set(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """Where the data set lies, what its files are, and how another trainer takes it."""
    if not ctx.artifacts(Example):
        return
    folder, section = commands.output(ctx, "build-dataset"), ctx.config.build_dataset
    together = section is not None and section.chat_turns == "multi"
    fewer = ", all pairs of a section together, so that there are fewer lines than rows" if together else ""
    text = (
        f"The data set is in {folder}/: chat-train.jsonl and its like for the other splits hold one conversation a "
        f"line{fewer}; hf/ holds every row by itself, for load_from_disk of the package datasets. Start with the card, "
        f"{folder}/README.md. "
    )
    is_text = not known.training and not known.funnel.subject.exhibits
    text += "This version of docent does not train on documents. " if is_text else ""
    if known.training or not commands.local or commands.parent:
        yield NextStep(f"{text}docs/trainers.md in docent's source says how to get the form of another trainer.")
        return
    convert = ["docent", "convert", "chat", f"{folder}/chat-train.jsonl", "train.parquet", "--for", "trl"]
    yield NextStep(
        f"{text}To train with TRL, OpenAI, LLaMA-Factory or ms-swift, write the form that it takes (--for trl, "
        "openai, llama-factory, ms-swift; docs/trainers.md in docent's source), here of the training split for TRL:",
        (shlex.join(convert),),
    )


def pushed(ctx: Context, commands: Commands) -> Iterator[NextStep]:
    """Why the data set was not on the hub when the page was written, and how it is pushed again."""
    section, artifact = ctx.config.build_dataset, ctx.artifact(Example)
    if section is None or artifact is None or not is_open(ctx.config, ctx.run_dir, artifact):
        return
    last = read_push(ctx.run_dir)
    known = last is not None and last.digest == artifact.digest and last.repository == section.push_to
    reason = f"not pushed: {last.reason.rstrip('.')}" if last and known else "not pushed yet"
    again = (commands.run_only("build-dataset"),) if commands.local else ()
    yield NextStep(
        f"When this page was written, the data set was complete and not on the hub ({section.push_to}): {reason}. Only "
        f"the push is done again{', and status says how it ended' if again else ''}:",
        again or (commands.logs("build-dataset"),),
    )


def models(ctx: Context, known: Known, commands: Commands) -> Iterator[NextStep]:
    """Where the models lie, how they load, and which of equal ones to take."""
    kinds = {a.name: a.kind for a in ctx.config.finetune.approaches} if ctx.config.finetune else {}
    base = shortened(ctx.config.finetune.base_model) if ctx.config.finetune else ""
    whole: list[str] = []
    adapters = 0
    for artifact in ctx.artifacts(Checkpoint):
        name = artifact.part
        adapter = kinds.get(name) == "lora"
        adapters += adapter
        whole += [] if adapter else [name]
        what = f", an adapter for {base}" if adapter else ", a whole model"
        yield NextStep(f"The model {name} is in {commands.output(ctx, artifact.unit, 'model')}/{what}.")
    if adapters or whole:
        peft = " An adapter goes onto its base model with PeftModel.from_pretrained of peft." if adapters else ""
        yield NextStep(
            "docent has no command that asks a model about a new photo. Load it with transformers: "
            "AutoModelForImageTextToText.from_pretrained and AutoProcessor.from_pretrained with the folder, whose chat "
            f"template takes a photo and a question.{peft}{_which(known, whole)}"
        )


def _which(known: Known, whole: Sequence[str]) -> str:
    """Which of several models to take, where they are right equally often.

    Args:
        whole: models that load without a base model.
    """
    shares = {arm: known.evidence.arms.get(arm, {}).get(ACCURACY) for arm in known.evidence.tuned}
    means = {estimate.mean for estimate in shares.values() if estimate}
    if len(shares) < 2 or len(means) != 1 or None in shares.values() or means == {0.0}:
        return ""
    share = percent(means.pop())
    take = f"take {whole[0]}, which needs no base model beside it" if len(whole) == 1 else "take any of them"
    return f" In this test {joined(list(shares))} are right equally often ({share}): {take}."
