"""Write the data card from counts and settings: a README.md whose head the Hugging Face hub reads.

Names and titles come from unchecked sources, so each is kept on one line and its markup is escaped.
"""

import re

from docent import __version__
from docent.artifacts.summaries import LeakAudit, Statistics
from docent.config.stages import BuildDataset
from docent.evidence.shared_answers import shared_with_training
from docent.messages.plurals import counted
from docent.records import SPLITS
from docent.stages.build_dataset.card_head import head, plain
from docent.stages.build_dataset.exports.versions import loading
from docent.stages.build_dataset.splits.held_out import MIN_WORDS, NEAR
from docent.stages.build_dataset.tally import Tally

MAX_LISTED = 20


def data_card(
    tally: Tally, section: BuildDataset, audit: LeakAudit, statistics: Statistics, identity: str = ""
) -> bytes:
    """Return Markdown about the contents, the origin and the known limits of the data set.

    Args:
        identity: text that distinguishes this data set from every other one, such as the name of its folder.
    """
    photos = bool(tally.subjects.exhibits)
    lines = [
        *head(tally, section, identity),
        "",
        f"# {_line(section.name)}",
        "",
        _about(tally),
        "",
        *_splits(tally),
        "",
        *_statement(tally, section, audit),
        *_imbalance(statistics),
        "",
        "## Statistics",
        "",
        *_types(statistics),
        "",
        *_rejected(statistics),
        *_shortfall(statistics),
        *(_documents(statistics) if tally.subjects.sections else []),
        "## Files",
        "",
        *_files(tally, section, photos and not tally.subjects.sections),
    ]
    return ("\n".join(lines) + "\n").encode()


def _about(tally: Tally) -> str:
    exhibits, sections = len(tally.subjects.exhibits), tally.subjects.sections
    sentences = []
    if exhibits or not sections:
        items = tally.items if not sections else exhibits
        photos = f"photos of {counted(items, 'exhibit')}"
        sentences.append(f"Questions and answers about {photos}, one row per photo and question.")
    if sections:
        of_exhibits = {(item.document_id, item.document) for item in tally.subjects.exhibits}
        documents = len({tally.subjects.document(item) for item in tally.subjects.numbers} - of_exhibits)
        parts = f"{counted(sections, 'section')} of {counted(documents, 'document')}"
        sentences.append(f"Questions and answers about {parts}, one row per question.")
    return " ".join(sentences)


def _statement(tally: Tally, section: BuildDataset, audit: LeakAudit) -> list[str]:
    exhibits, sections = tally.subjects.exhibits, tally.subjects.sections
    teachers = ", ".join(map(_line, sorted(tally.teachers)))
    checked = "not checked by a person"
    if tally.reviewed:
        checked = (
            f"a person approved or edited {tally.reviewed} of {sum(c['kept'] for c in tally.kinds.values())} pairs"
        )
    files = [_code(name) for name in list(tally.files)[:MAX_LISTED]]
    more = len(tally.files) - len(files)
    languages = ", ".join(_line(name) or "not said" for name in tally.grouped(2))
    lines = [
        f"- **Answers written by:** {teachers}. They are generated, {checked}.",
        f"- **Sources:** {', '.join(files)}{f' and {more} more' if more else ''}.",
        f"- **Languages:** {languages}.",
        *_hidden(tally),
    ]
    if exhibits:
        lines += [
            f"- **Leaks:** {audit.leaks} of {audit.test_images} test photos descend from, or are the same file "
            "as, a photo in training or validation. Copies that were saved anew or trimmed are found only by the "
            "hashes of `assess-images`, within its threshold.",
            "- **Every exhibit is in every split** that it has photos for: the test asks for unseen photos, "
            "not exhibits.",
        ]
    if sections:
        lines += _about_sections(tally, section, audit)
    item = "section" if not exhibits else "exhibit or section" if sections else "exhibit"
    if known := shared_with_training(audit, tally.of_split("test"), tally.items_of("test"), item):
        lines.append(f"- **What the test shares with training:** {' '.join(known)}")
    return [
        *lines,
        f"- **Licence:** {_line(section.license)}. It covers the questions and answers; sources keep their own.",
        f"- **Made by:** docent {__version__}, stage `build-dataset`; `audit.json` lists each leak, "
        "`statistics.json` has every count.",
    ]


def _about_sections(tally: Tally, section: BuildDataset, audit: LeakAudit) -> list[str]:
    """Describe which pairs about sections are held out, and the remaining overlap of test and training."""
    others = f", with {section.test_share:.0%} of the other pairs about sections" if section.test_share else ""
    figures = ""
    if audit.figures:
        shared = audit.figures_in_several_splits
        stand = f"{counted(audit.figures, 'figure')} stand{'s' * (shared == 1)}"
        figures = f" So can its figures: {shared} of {stand} in several splits."
    return [
        f"- **Held out:** question types that are only tested with go to test{others}; "
        f"{section.validation_share:.0%} of the others go to validation. No pair that reads like a held-out one is "
        "trained on: none with its question about the same section, none with an answer of "
        f"{MIN_WORDS} words or more that a test pair gives or, about the same section, nearly gives "
        f"({NEAR:.0%} of the words). Shorter answers, such as a number, may stand in both.",
        "- **Every section can be in every split:** the test asks for unseen questions, not unseen documents."
        f"{figures}",
        "- **Known limits:** a paraphrase of a held-out question may be in training; an answer is only as right as its "
        "source.",
    ]


def _imbalance(statistics: Statistics) -> list[str]:
    """Name the exhibits with the most and the fewest training rows, if these numbers differ a lot."""
    imbalance = statistics.imbalance
    if not imbalance:
        return []
    most, least = imbalance["most"], imbalance["least"]
    return [
        f"- **Imbalance:** {_code(most['exhibit'])} has {most['train']} training rows, {_code(least['exhibit'])} has "
        f"{least['train']}. A model knows exhibits with more rows better; `assemble.images_per_item` limits them."
    ]


def _hidden(tally: Tally) -> list[str]:
    """Describe invisible content of the sources; most sources have none."""
    invisible, tokens = tally.subjects.invisible, tally.subjects.tokens
    if not invisible and not tokens:
        return []
    return [
        f"- **Hidden in the sources:** {invisible} invisible characters, which were removed, and {tokens} tokens of "
        "chat templates or tags of prompts, such as `<image>`, which are text where they stand in a pair."
    ]


def _splits(tally: Tally) -> list[str]:
    """Return the table with the number of rows, pictures, items and temperatures of each split."""
    name = "sections" if not tally.subjects.exhibits else "exhibits" if not tally.subjects.sections else "items"
    shown = "photos" if tally.subjects.exhibits else "pictures"
    lines = [f"| split | rows | {shown} | {name} | rows by temperature |", "| --- | ---: | ---: | ---: | --- |"]
    for split in SPLITS:
        listed = ", ".join(f"{t:g}: {number}" for t, number in sorted(tally.temperatures[split].items())) or "-"
        cells = (tally.of_split(split), len(tally.pictures[split]), tally.items_of(split), listed)
        lines.append(f"| {split} | {' | '.join(map(str, cells))} |")
    return lines


def _types(statistics: Statistics) -> list[str]:
    columns = ("planned", "made", "kept", "train", "validation", "test")
    lines = [f"| question type | difficulty | {' | '.join(columns)} |", f"| --- | --- |{' ---: |' * len(columns)}"]
    for row in statistics.by_type:
        cells = " | ".join(str(row[column]) for column in columns)
        lines.append(f"| {_code(row['question_type'])} | {_line(row['difficulty']) or '-'} | {cells} |")
    return lines


def _rejected(statistics: Statistics) -> list[str]:
    rows = [(unit, why, n) for unit, reasons in statistics.rejected.items() for why, n in reasons.items()]
    if not rows:
        return []
    lines = ["| stage | left out because | rows |", "| --- | --- | ---: |"]
    return [*lines, *(f"| {unit} | {_line(why)} | {n} |" for unit, why, n in rows), ""]


def _shortfall(statistics: Statistics) -> list[str]:
    if not statistics.shortfall:
        return []
    lines = [f"- {_code(name)}: {missing}" for name, missing in statistics.missing_by_type.items()]
    return ["Asked for and not written:", "", *lines, ""]


def _documents(statistics: Statistics) -> list[str]:
    listed = statistics.by_document
    lines = ["| document | made | kept | train | validation | test |", "| --- |" + " ---: |" * 5]
    for row in listed[:MAX_LISTED]:
        cells = " | ".join(str(row[column]) for column in ("made", "kept", *SPLITS))
        lines.append(f"| {_code(row['document'])} | {cells} |")
    if len(listed) > MAX_LISTED:
        lines.append(f"| and {statistics.documents - MAX_LISTED} more | | | | | |")
    return [*lines, ""]


def _files(tally: Tally, section: BuildDataset, published: bool) -> list[str]:
    columns = "image, data_id, item_name, image_name, dialog"
    if not published:
        columns = "images, data_id, item_name, question_type, difficulty, conversation, dialog, source"
    lines = ["| file | what it is |", "| --- | --- |"]
    if any(tally.pictures.values()):
        lines.append(
            "| `images/<split>/` | the pictures with `metadata.parquet`, for `load_dataset('imagefolder', "
            "data_dir='images')` |"
        )
        lines.append(
            "| `metadata-<split>.csv` | the same table for people; an apostrophe stands before what a spreadsheet "
            "would compute |"
        )
    beside = "; `images` lists the pictures that its parts stand for" if any(tally.pictures.values()) else ""
    lines += [
        f"| `hf/` | for `load_from_disk`, and for `load_dataset` with this folder: {columns} |",
        f"| `chat-<split>.jsonl` | conversations, `messages` with lists of parts{beside} |",
    ]
    if not published:
        lines.append("| `conversations-<split>.json` | the same with question type, difficulty and source lines |")
    if section.per_document:
        lines.append("| `documents/train-<document>.json`, `eval-<document>.json` | the same by document |")
    return [*lines, "", *loading(tally)]


def _line(text: str) -> str:
    """Return the text on one line, with Markdown and HTML escaped."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", plain(text)).replace("&", "&amp;").replace("<", "&lt;")


def _code(text: str) -> str:
    """Return the text as inline code, which contains no markup and turns no address into a link."""
    return "`" + (plain(text).replace("`", "'").replace("|", "\\|") or " ") + "`"
