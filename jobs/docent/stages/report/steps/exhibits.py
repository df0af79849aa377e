"""Suggest steps about the exhibits: more exhibits, more photos, titles."""

from collections.abc import Iterator, Sequence

from docent.messages.plurals import joined
from docent.source_files.collection import COLLECTION
from docent.stages.report.sentences.amounts import counted, plural
from docent.stages.report.sentences.findings import exhibits_needed, too_small
from docent.stages.report.sentences.wording import ACCURACY
from docent.stages.report.steps.step import Known, NextStep, collection_place

PHOTOS_NEEDED = 5
"""Photos that an exhibit needs for a fair test, as training, choosing a checkpoint and testing each use their own."""
MAX_NAMED = 5


def small_test(known: Known) -> Iterator[NextStep]:
    """Suggest more exhibits if the test is too small to show a difference; listed before steps that cost money."""
    evidence = known.evidence
    scored = any(ACCURACY in metrics or evidence.exhibits == 1 for metrics in evidence.arms.values())
    if not scored or evidence.subject.item != "exhibit" or not too_small(evidence, ACCURACY):
        return
    needed = exhibits_needed(evidence, ACCURACY)
    have = counted(evidence.exhibits, "exhibit")
    more = counted(needed - evidence.exhibits, "more exhibit")
    text = f"The test has {have}; a difference can be statistically significant with {needed} or more, if one "
    text += f"model or method is ahead on all of them. Add {more}, {_how(known)}."
    yield NextStep(f"{text} Then run again, which trains again:", (known.commands.run(),))


def _how(known: Known) -> str:
    """Describe how to add exhibits to the sources of this run."""
    photos = f"{PHOTOS_NEEDED} or more photos"
    ingest = known.ctx.config.ingest
    folders = [s.path for s in (ingest.sources if ingest else ()) if s.kind == "exhibits-folder"]
    if len(folders) == 1 and not folders[0].is_absolute():
        return f"each a subfolder of {folders[0].as_posix()} with a description and {photos}"
    return f"each with a description and {photos}"


def few_photos(known: Known) -> Iterator[NextStep]:
    """Suggest more photos of exhibits that have fewer than PHOTOS_NEEDED, and name exhibits that were not tested."""
    originals = known.funnel.items.originals
    listed = [
        f"{name} ({counted(PHOTOS_NEEDED - n, 'more photo')})" for name, n in originals.items() if n < PHOTOS_NEEDED
    ]
    if listed:
        yield NextStep(
            f"An honest test needs {PHOTOS_NEEDED} usable photos or more of each exhibit. Add photos of: "
            f"{_first(listed)}. Then run again{known.again}:",
            (known.commands.run(),),
        )
    if known.funnel.items.untested:
        yield NextStep(f"Not tested, because they have too few photos: {_first(known.funnel.items.untested)}.")


def confused(known: Known) -> Iterator[NextStep]:
    """Suggest more photos and better descriptions of exhibits that the best model confuses with others."""
    if known.confusions:
        pairs = [f"“{one.exhibit}” with “{one.other}” ({counted(one.answers, 'answer')})" for one in known.confusions]
        yield NextStep(
            f"{known.confused} confuses {joined(pairs)}. Add photos of these exhibits from other sides, and say in "
            f"their descriptions what can be seen on one of them alone. Then run again{known.again}:",
            (known.commands.run(),),
        )


def untitled(known: Known) -> Iterator[NextStep]:
    """Suggest titles for exhibits, documents and the page if they are named after a folder or file."""
    if names := known.funnel.documents.untitled:
        has = plural(len(names), "1 exhibit has", f"{len(names)} exhibits have")
        called = plural(len(names), "is called after its folder", "are called after their folders")
        yield NextStep(
            f"{has} no title and {called}: {_first(names)}. Write the title on the first line of the description, "
            f"leave a blank line below it, and run again{known.again}:",
            (known.commands.run(),),
        )
    if known.named_after_path:
        place = collection_place(known.ctx)
        stated = f', here or, with the data set, by a line title: "..." in a file {COLLECTION} {place}' if place else ""
        yield NextStep(
            f"This page is titled after a folder or file. Give it its own title{stated}:",
            (known.commands.run("report.title=Title of the page"),),
        )
    if names := known.funnel.documents.from_files:
        document = plural(len(names), "a document", f"{len(names)} documents")
        yield NextStep(
            f"The questions call {document} after the file: {_first([f'“{name}”' for name in names])}. Give the file a "
            "title (a PDF in its properties, a text in its first heading) or another name, "
            f"and run again{known.again}:",
            (known.commands.run(),),
        )


def _first(names: Sequence[str]) -> str:
    """List the first MAX_NAMED names and the number of others."""
    more = [f"{len(names) - MAX_NAMED} others"] if len(names) > MAX_NAMED else []
    return joined([*names[:MAX_NAMED], *more])
