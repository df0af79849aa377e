"""Suggest steps about the pairs, the data set and the models.

Reads the statistics of build-dataset and the record of the last push; writes nothing.
"""

import shlex
from collections.abc import Iterator, Sequence

from docent.artifacts.pushed import is_open, read_push
from docent.config.stages import EDITS_PLACEHOLDER, LICENSE_PLACEHOLDER
from docent.messages.plurals import joined
from docent.records import Checkpoint, Example, QAPair
from docent.source_files.collection import COLLECTION, UNNAMED, license_of
from docent.stages.report.inputs.funnel import read_unwritten
from docent.stages.report.runcard import shortened
from docent.stages.report.sentences.amounts import counted, plural, thousands
from docent.stages.report.sentences.cautions import offline_answers, offline_gaps
from docent.stages.report.sentences.wording import ACCURACY, percent
from docent.stages.report.steps.step import Known, NextStep, collection_place
from docent.tables import APPROACHES


def teacher(known: Known) -> Iterator[NextStep]:
    """Suggest a language model instead of the offline teacher: what it costs, what is sent to it, what runs again."""
    if not known.offline:
        return
    missing = read_unwritten(known.ctx).total()
    are = plural(missing, "is", "are")
    unwritten = f" {thousands(missing)} of the pairs asked for {are} not written." if missing else ""
    subject = known.funnel.subject
    material = {
        "the descriptions of the exhibits": subject.exhibits,
        "the texts of the documents": subject.documents,
        "their figures": subject.pictured,
    }
    sent = joined([name for name, count in material.items() if count])
    photos = ", photos of exhibits are not" if subject.exhibits else ""
    again = ", and trains again" if known.training else ""
    sets = ("llm.provider=openai", "llm.model=gpt-4o-mini")
    estimate = (known.commands.run(*sets, verb="estimate"),) if known.commands.local else ()
    yield NextStep(
        "The offline teacher fills fixed patterns of questions; its answers are "
        f"{offline_answers(subject)}. {offline_gaps(subject)}{unwritten} A language model writes richer "
        f"pairs. Note that {sent} are then sent to its service{photos}. "
        "Any OpenAI-compatible endpoint works: add --set llm.base_url=https://... for one other than OpenAI's. Set its "
        "key as an environment variable (export OPENAI_API_KEY=...), check the price, then run, which writes the pairs "
        f"again{again}. The run remembers these settings, so that later commands need not repeat them, and stores the "
        "replies, so that none is paid twice. The existing pairs stay in their folder until docent gc removes it:",
        (*estimate, known.commands.run(*sets)),
    )


def pairs(known: Known) -> Iterator[NextStep]:
    """Suggest a review of the pairs, with the commands that apply the decisions to the data set."""
    if not known.commands.local or not known.ctx.writers(QAPair) or "Questions and answers" not in known.funnel.tables:
        return
    artifact = next(iter(known.ctx.revisers(QAPair)), None)
    rejected = artifact.success.rejected if artifact else 0
    left_out = f"The checks left out {counted(rejected, 'pair')}. " if rejected else ""
    later = " Choose the teacher first: decisions are about the pairs that were read." if known.offline else ""
    again = ", which trains again" if known.training else ""
    these = ", those left out as well" if rejected else ""
    text = f"{left_out}Read the questions and answers{these}, and approve, edit or reject them.{later}"
    if artifact is None:  # nothing uses decisions
        yield NextStep(text, (known.commands.review(),))
        return
    folder, _, saved = EDITS_PLACEHOLDER.partition("/")
    yield NextStep(
        f"{text} The page that the first command writes saves your decisions to a file. Replace {folder} below with "
        f"the folder in which your browser saved {saved}, usually the downloads folder. Then build the data set from "
        f"it{again}:",
        (
            known.commands.review(),
            known.commands.review(EDITS_PLACEHOLDER),
            known.commands.run(f"curate.edits={known.commands.folder}/review/edits.csv"),
        ),
    )


def licence(known: Known) -> Iterator[NextStep]:
    """Suggest naming a licence for the data set if it has none."""
    section = known.ctx.config.build_dataset
    if section is None or not known.ctx.artifacts(Example) or section.license:
        return
    if license_of(known.sources) == UNNAMED:
        again = ". This trains again, with the same result" if known.training else ""
        place = collection_place(known.ctx)
        stated = f', or as license: "..." into {COLLECTION} {place}' if place else ""
        yield NextStep(
            f"The data set has no licence; its card says “{UNNAMED}”. Before you share it, set your licence, such as "
            f"cc-by-4.0, instead of {LICENSE_PLACEHOLDER} below{stated}{again}:",
            (known.commands.run(f"build_dataset.license={LICENSE_PLACEHOLDER}"),),
        )


def data_set(known: Known) -> Iterator[NextStep]:
    """Describe the data set's folder and files, and suggest how to convert it for another trainer."""
    artifact, section = known.ctx.artifact(Example), known.ctx.config.build_dataset
    if artifact is None:
        return
    folder = known.commands.output(artifact)
    together = section is not None and section.chat_turns == "multi"
    fewer = ", all pairs of a section together, so that there are fewer lines than rows" if together else ""
    text = (
        f"The data set is in {folder}/: chat-train.jsonl and the files of the other splits have one conversation per "
        f"line{fewer}; hf/ has every row separately, for load_from_disk of the package datasets. Start with the card, "
        f"{folder}/README.md. "
    )
    is_text = not known.training and not known.funnel.subject.exhibits
    text += "This version of docent does not train on documents. " if is_text else ""
    if known.training or not known.commands.local or known.commands.parent:
        yield NextStep(f"{text}docs/trainers.md in docent's source describes the formats of other trainers.")
        return
    convert = ["docent", "convert", "chat", f"{folder}/chat-train.jsonl", "train.parquet", "--for", "trl"]
    yield NextStep(
        f"{text}To train with TRL, OpenAI, LLaMA-Factory or ms-swift, convert it to the trainer's format (--for trl, "
        "openai, llama-factory, ms-swift; docs/trainers.md in docent's source), here of the training split for TRL:",
        (shlex.join(convert),),
    )


def pushed(known: Known) -> Iterator[NextStep]:
    """Suggest pushing the data set again if it was not on the hub when the page was written, with the reason."""
    section, artifact = known.ctx.config.build_dataset, known.ctx.artifact(Example)
    if section is None or artifact is None or not is_open(known.ctx.config, known.ctx.run_dir, artifact):
        return
    last = read_push(known.ctx.run_dir)
    # The recorded push may have been of other rows, or to another repository.
    this = last is not None and (last.digest, last.repository) == (artifact.digest, section.push_to)
    reason = f"not pushed: {last.reason.rstrip('.')}" if last and this else "not pushed yet"
    again = (f"{known.commands.run()} --only {shlex.quote(artifact.unit)}",) if known.commands.local else ()
    yield NextStep(
        f"When this page was written, the data set was complete and not on the hub ({section.push_to}): {reason}. Only "
        f"the push is done again{', and status says how it ended' if again else ''}:",
        again or (known.commands.logs(artifact.unit),),
    )


def models(known: Known) -> Iterator[NextStep]:
    """Describe where the models are and how to load them, and recommend one if they are equally accurate."""
    section = known.ctx.config.finetune
    if section is None:
        return
    adapters = {approach.name for approach in section.approaches if APPROACHES[approach.kind].adapter}
    trained = {artifact.part: artifact for artifact in known.ctx.artifacts(Checkpoint)}
    for name, artifact in trained.items():
        what = f"an adapter for {shortened(section.base_model)}" if name in adapters else "a whole model"
        yield NextStep(f"The model {name} is in {known.commands.output(artifact, 'model')}/, {what}.")
    if trained:
        apart = adapters.intersection(trained)
        peft = " Load an adapter onto its base model with PeftModel.from_pretrained of peft." if apart else ""
        whole = [name for name in trained if name not in adapters]
        yield NextStep(
            "docent has no command that asks a model about a new photo. Load it with transformers: "
            "AutoModelForImageTextToText.from_pretrained and AutoProcessor.from_pretrained with the folder, whose chat "
            f"template takes a photo and a question.{peft}{_which(known, whole)}"
        )


def _which(known: Known, whole: Sequence[str]) -> str:
    """Return a sentence that recommends one of several models if all are equally accurate, or else "".

    Args:
        whole: names of the models that load without a base model.
    """
    shares = {arm: known.evidence.arms.get(arm, {}).get(ACCURACY) for arm in known.evidence.tuned}
    means = {estimate.mean for estimate in shares.values() if estimate}
    if len(shares) < 2 or len(means) != 1 or None in shares.values() or means == {0.0}:
        return ""
    share = percent(means.pop())
    take = f"take {whole[0]}, which needs no base model beside it" if len(whole) == 1 else "take any of them"
    return f" In this test {joined(list(shares))} are right equally often ({share}): {take}."
