"""Stage build-dataset: turn pairs into rows, assign them to splits, count leaks, write statistics and exports.

Reads: Item rows of assemble, QAPair rows of curate (of generate-qa if curate is skipped), photos and figures, and the
splits that earlier runs assigned pairs about exhibits to. Pairs are streamed three times, so that the memory needed for
pairs about sections hardly grows with their number; pairs about exhibits are matched with their photos in memory.
Writes: Example rows; `images/<split>/` with `metadata.parquet`, `metadata-<split>.csv`, `hf/`, `chat-<split>.jsonl`,
`README.md`, `audit.json`, `statistics.json`, `splits.jsonl`; for documents `conversations-<split>.json`, and
`documents/` if configured.
Run alone: `docent stage build-dataset --config pipeline.yaml --run-dir runs/demo`
Start reading at `run` below; `splits/`, `exports/` and `hub/` each do one part of it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from docent.artifacts.summaries import LeakAudit, Shortfall
from docent.config.stages import BuildDataset
from docent.context import Context
from docent.convert.published import image_names
from docent.errors import InputError
from docent.records import SPLITS, Document, Example, ImageFile, Item, QAPair, Reject, Split, make_id
from docent.source_files.collection import license_of, read_source_names, title_of
from docent.stages.build_dataset.card import data_card
from docent.stages.build_dataset.exports.exporting import Exports
from docent.stages.build_dataset.hub.preflight import warn_ahead
from docent.stages.build_dataset.splits.audit import Overlap, audit, shown_twice
from docent.stages.build_dataset.splits.held_out import GAP, Gaps, HeldOut
from docent.stages.build_dataset.splits.pairing import HELD_OUT, Match, Unpaired, assigned, pair_items
from docent.stages.build_dataset.splits.sections import SectionSplits, figures_of, text_key
from docent.stages.build_dataset.splits.subjects import Subjects, read_subjects
from docent.stages.build_dataset.tally import Tally, count_refused_pairs, statistics

UNTITLED = "Data set"


@dataclass
class Survey:
    """Results of the first pass over the pairs.

    Attributes:
        figures: all figures of pairs about sections by their sha256, without duplicates.
        tested: ids of the sections with pairs that may be assigned to test.
    """

    pairs: int
    matches: list[Match]
    unpaired: list[Unpaired]
    splits: SectionSplits
    held_out: set[int] = field(default_factory=set)
    figures: dict[str, ImageFile] = field(default_factory=dict)
    tested: set[str] = field(default_factory=set)
    test: HeldOut = field(default_factory=HeldOut)
    """Questions and answers of the test pairs about sections."""
    gaps: Gaps = field(default_factory=Gaps)


def run(ctx: Context) -> Iterator[Example | Reject]:
    """Yield the rows about exhibits in the order train, validation, test, then rows about sections in pair order.

    Raises:
        InputError: no pair became a row.
    """
    subjects = read_subjects(ctx.stream(Item))
    tally = Tally(subjects)
    survey = _survey(ctx, subjects, tally)
    for pair, split, _ in _section_pairs(ctx, subjects, survey) if len(survey.splits) else ():
        if split == "test":
            survey.test.add(pair)
    if not survey.matches and not len(survey.splits):
        what = f"no rows: no pair can be used ({survey.pairs} pairs, {len(subjects.numbers)} items)"
        raise InputError(what, "build_dataset", "docent status")
    pictured = [(match.item.name, match.image) for match in survey.matches]
    names = image_names([*pictured, *(("", image) for image in survey.figures.values())])
    photos = ((match.split, names[match.image.id], match.image) for match in survey.matches)
    warn_ahead(ctx, _named(ctx, subjects), photos)
    exports = Exports(ctx, subjects, bool(names))
    overlap = Overlap(survey.tested | {match.item.id for match in survey.matches if match.split == "test"})
    numbers = dict.fromkeys(SPLITS, 0)
    left_out: Counter[str] = Counter()
    about_exhibits = chain(_about_exhibits(survey, names), _unused(survey))
    rows = chain(about_exhibits, _about_sections(ctx, subjects, survey, names))
    for number, (row, pictures) in enumerate(rows, 1):
        if isinstance(row, Reject):
            left_out[row.reason] += 1
        else:
            row = row.model_copy(update={"data_id": numbers[row.split]})
            numbers[row.split] += 1
            exports.add(row, pictures)
            tally.row(row)
            overlap.add(row)
        yield row
        ctx.progress.update(min(number, survey.pairs), survey.pairs, "rows")
    exports.close()
    tally.refused(ctx.unit.name, left_out)
    leaks = audit(survey.matches, names, overlap)
    if len(survey.splits):
        figures = {names[image.id] for image in survey.figures.values()}
        leaks = leaks.model_copy(update=shown_twice(tally.pictures, figures))
    _describe(ctx, tally, leaks)


def _survey(ctx: Context, subjects: Subjects, tally: Tally) -> Survey:
    """Run the first pass over the pairs: assign them to splits, and count the written and the kept ones."""
    section, recorded = ctx.section, ctx.recorded_splits()
    splits = SectionSplits(ctx.config.seed, section.test_share, section.validation_share)
    survey, about_exhibits = Survey(0, [], [], splits), list[QAPair]()
    for pair in ctx.pairs():
        survey.pairs += 1
        tally.kept(pair)
        if subjects.is_section(pair.item_id):
            splits.add(pair)
            for image in figures_of(pair):
                survey.figures.setdefault(image.sha256, image)
            if pair.held_out or section.test_share:
                survey.tested.add(pair.item_id)
        elif pair.item_id in subjects.exhibit_ids:
            about_exhibits.append(pair)
    survey.held_out = splits.held_out_texts()
    survey.matches, survey.unpaired = pair_items(
        subjects.exhibits, about_exhibits, section.pairs_per_train_image, survey.held_out, recorded.earlier
    )
    if survey.matches or recorded.lines:
        ctx.record_splits(recorded, assigned(survey.matches))
    survey.held_out |= {text_key(match.pair) for match in survey.matches if match.split != "train"}
    writers, revisers = ctx.writers(QAPair), ctx.revisers(QAPair)
    rejects = (reject for artifact in revisers for reject in artifact.rejects())
    written = (pair for artifact in writers for pair in artifact.rows(QAPair))
    count_refused_pairs(tally, rejects, written, survey.gaps)
    for artifact in (*writers, *revisers):
        tally.refused(artifact.unit, artifact.success.reject_reasons)
    return survey


Found = tuple[Example | Reject, tuple[ImageFile, ...]]
OF_PAIR = (QAPair.model_fields.keys() & Example.model_fields.keys()) - {"id", "parents", "item_name"}
"""Fields that a row copies from its pair."""


def _about_exhibits(survey: Survey, names: dict[str, str]) -> Iterator[Found]:
    for match in survey.matches:
        pictures = (match.image,)
        yield _example(match.pair, match.split, pictures, names, match.item.name), pictures


def _unused(survey: Survey) -> Iterator[Found]:
    for left in survey.unpaired:
        raw, parents = left.row.model_dump_json(), (left.row.id,)
        yield Reject(reason=left.reason, raw=raw, parents=parents, detail=left.item.name), ()


def _section_pairs(ctx: Context, subjects: Subjects, survey: Survey) -> Iterator[tuple[QAPair, Split, int]]:
    """Yield each pair about a section, its split and its text key, in a further pass over the pairs."""
    for position, pair in enumerate(pair for pair in ctx.pairs() if subjects.is_section(pair.item_id)):
        yield pair, survey.splits.split_of(position), survey.splits.text_of(position)


def _about_sections(ctx: Context, subjects: Subjects, survey: Survey, names: dict[str, str]) -> Iterator[Found]:
    """Run the last pass over the pairs: yield the row or the reject of each pair about a section."""
    for pair, split, text in _section_pairs(ctx, subjects, survey):
        reason = _why_left_out(pair, split, text, survey)
        if not reason:
            pictures = tuple(survey.figures[image.sha256] for image in figures_of(pair))
            yield _example(pair, split, pictures, names, pair.item_name), pictures
        else:
            survey.gaps.lose(pair)
            yield Reject(reason=reason, raw=pair.model_dump_json(), parents=(pair.id,), detail=pair.item_name), ()


def _why_left_out(pair: QAPair, split: Split, text: int, survey: Survey) -> str:
    """Return why a pair about a section is left out, or "" if it becomes a row."""
    if survey.gaps.before(pair):
        return GAP
    if split == "test":
        return ""
    if split == "train" and text in survey.held_out:
        return HELD_OUT
    return survey.test.given_away_by(pair)


def _example(
    pair: QAPair, split: Split, pictures: tuple[ImageFile, ...], names: dict[str, str], item_name: str
) -> Example:
    """Return the row of a pair and its pictures; its number within the split is set later."""
    parents = (pair.id, *(image.id for image in pictures))
    return Example(
        id=make_id("build-dataset", parents, split),
        parents=parents,
        split=split,
        data_id=0,
        item_name=item_name,
        image_name=names[pictures[0].id] if pictures else "",
        files=tuple(f"images/{split}/{names[image.id]}" for image in pictures),
        group=pictures[0].group if pictures else "",
        **{name: getattr(pair, name) for name in OF_PAIR},
    )


def _describe(ctx: Context, tally: Tally, leaks: LeakAudit) -> None:
    """Write `audit.json`, `statistics.json` and the card."""
    counts = statistics(tally, _shortfall(ctx))
    card = data_card(tally, _named(ctx, tally.subjects), leaks, counts, ctx.folder.name)
    ctx.output_summary(leaks)
    ctx.output_summary(counts)
    ctx.output_file("README.md", card)


def _named(ctx: Context, subjects: Subjects) -> BuildDataset:
    """Return the settings, with the title and licence of the sources if the user set none."""
    section: BuildDataset = ctx.section
    sources = read_source_names(ctx.artifact(Document))
    exhibits = {item.document_id for item in subjects.exhibits}
    titles = {document: title for document, title in subjects.documents if document not in exhibits}
    name = section.name or title_of(sources, titles) or UNTITLED
    return section.model_copy(update={"name": name, "license": section.license or license_of(sources)})


def _shortfall(ctx: Context) -> tuple[Shortfall, ...]:
    """Return how many pairs were requested but not written by the teacher, by question type and reason."""
    missing: Counter[tuple[str, str]] = Counter()
    for artifact in ctx.writers(QAPair):
        for reject in artifact.rejects():
            if reject.missing:
                missing[reject.question_type, reject.reason] += reject.missing
    return tuple(Shortfall(question_type=n, reason=why, missing=m) for (n, why), m in sorted(missing.items()))
