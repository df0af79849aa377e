"""Describe figures with a multimodal teacher; without a description, reject sections that are only a picture.

Wraps the loaders and keeps their order: documents wait until there are enough pictures for one round of requests. A
picture that appears twice in a file is requested once. Reads the prompts in describe.yaml (in this folder) and the
journal. Instructions hidden in a document, or an odd reply, can change only the description of that one picture.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from docent.checks import check_teacher_sees
from docent.config.sources import Describe
from docent.context import Context
from docent.llm.chat import ChatReply, ChatRequest, Image, Message
from docent.llm.client import ChatClient
from docent.records import Document, Figure, ImageFile, Reject, Section
from docent.resources import read_yaml
from docent.text.languages import find_language
from docent.text.markdown.figures import without_figures
from docent.text.prompt_safety import as_material, restored, visible
from docent.text.terms import length_in_words

BATCH_PICTURES, BATCH_ROWS = 256, 2000
"""Pictures per round of requests, and the number of rows at which a round starts even with fewer pictures."""
TEMPERATURE = 0.0
AROUND_CHARS = 700
"""Text shown to the teacher on either side of the figure."""
MAX_DESCRIPTION_CHARS = 8000
MAX_RAW_CHARS = 2000
KEPT_OF_GRACE_S = 10
"""Seconds between SIGTERM and SIGKILL that are reserved for everything but replies in progress."""
TOO_SHORT = "description too short"
NOT_DESCRIBED = "picture page not described"
WRONG_FORMAT = "picture format cannot be shown to a teacher"
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_PLACE = re.compile(r"\{(\w+)\}")

Loaded = tuple[int, Document | Reject]
"""The number of the file that a row came from, and the row."""


@dataclass(frozen=True)
class PictureInPlace:
    """A picture, and the first place in its file that shows it: document, section and figure."""

    document: Document
    section: Section
    figure: Figure
    image: ImageFile


Key = tuple[int, str]
"""A file's number and the SHA-256 of a picture in it."""
Outcome = str | Reject
"""Result of a request: a description, or the reject for it."""


def described(ctx: Context, rows: Iterable[Loaded]) -> Iterator[Document | Reject]:
    """Yield the rows in order, with a description for every figure if descriptions are enabled.

    Raises:
        ConfigError: descriptions are enabled, but the teacher cannot read images, or its key, price or endpoint is
            misconfigured.
        TemporaryError: the endpoint is down; replies received so far are in the journal.
    """
    if not ctx.section.describe.enabled:
        for _, row in rows:
            yield from _without_bare_pictures(row, "--set ingest.describe.enabled=true")
        return
    check_teacher_sees(ctx.config)
    drain_s = max(1.0, ctx.config.kubernetes.grace_s - KEPT_OF_GRACE_S)
    with ChatClient(
        ctx.config.llm, ctx.journal, ctx.shard.count, ctx.stop, drain_s=drain_s, run_dir=ctx.run_dir
    ) as client:
        results: dict[Key, Outcome] = {}
        for batch in _batches(rows):
            results = {key: outcome for key, outcome in results.items() if key[0] == batch[0][0]}
            yield from _answered(ctx, client, batch, results)
        ctx.spend(**client.amounts())


def request_for(shown: PictureInPlace, ctx: Context) -> ChatRequest:
    """Return the request that describes one picture."""
    prompts, text = read_yaml(__package__, "describe.yaml"), shown.section.text
    before, _, after = text.partition(shown.figure.token)
    around = f"{before[-AROUND_CHARS:]}\n[the picture]\n{after[:AROUND_CHARS]}"
    given = shown.document.language
    language = find_language(given, "ingest.sources.language").name if given else prompts["document_language"].strip()
    places = {
        "title": ": ".join(part for part in (shown.document.name, shown.section.title) if part),
        "caption": shown.figure.caption or "none",
        "text": without_figures(around, shown.section.figures),
    }
    filled = {name: as_material(value) for name, value in places.items()} | {"language": language}
    user = _PLACE.sub(lambda place: filled[place[1]], prompts["user"])
    kind = MEDIA_TYPES[shown.image.file.rpartition(".")[2]]
    picture = Image(ctx.folder / shown.image.file, shown.image.sha256, kind)
    messages = (Message("system", prompts["system"].strip()), Message("user", user.strip(), (picture,)))
    return ChatRequest(messages, TEMPERATURE, ctx.section.describe.max_tokens, problem_of=_problem_of)


def _problem_of(reply: ChatReply) -> str:
    return "" if cleaned(reply.text) else "the reply is empty"


def cleaned(text: str, figures: Iterable[Figure] = ()) -> str:
    """Return a reply as one paragraph of bounded length, without control characters or figure tokens."""
    for figure in figures:
        text = text.replace(figure.token, " ")
    text = text.replace("{{", "{ {").replace("![", "! [")
    return " ".join(restored(visible(text)).split())[:MAX_DESCRIPTION_CHARS]


def _batches(rows: Iterable[Loaded]) -> Iterator[list[Loaded]]:
    """Yield rows in order, in batches with enough pictures for one round of requests."""
    batch: list[Loaded] = []
    pictures = 0
    for number, row in rows:
        batch.append((number, row))
        pictures += len(_figures(row))
        if pictures >= BATCH_PICTURES or len(batch) >= BATCH_ROWS:
            yield batch
            batch, pictures = [], 0
    if batch:
        yield batch


def _figures(row: Document | Reject) -> list[PictureInPlace]:
    """Return the figures of a document that have a picture; photos of an exhibit are not figures."""
    if isinstance(row, Reject) or row.kind == "exhibit":
        return []
    figures = [(section, figure) for section in row.sections for figure in section.figures]
    return [PictureInPlace(row, section, f, f.image) for section, f in figures if f.image is not None]


def _answered(
    ctx: Context, client: ChatClient, batch: list[Loaded], results: dict[Key, Outcome]
) -> Iterator[Document | Reject]:
    """Yield the rows of a batch; add the outcomes of its pictures to `results`, which has those of earlier pictures."""
    requested: dict[Key, PictureInPlace] = {}
    for number, row in batch:
        for shown in _figures(row):
            key = (number, shown.image.sha256)
            if key not in results and shown.image.file.rpartition(".")[2] in MEDIA_TYPES:
                requested.setdefault(key, shown)
    requests = [request_for(shown, ctx) for shown in requested.values()]
    with closing(client.ask(requests)) as replies:
        for key, reply in zip(requested, replies, strict=True):
            results[key] = _outcome_of(requested[key], reply, ctx.section.describe)
    for number, row in batch:
        yield from _filled(number, row, results)


def _outcome_of(shown: PictureInPlace, reply: ChatReply, settings: Describe) -> Outcome:
    """Return the description in a reply, or the reject for it."""
    place = f"{shown.section.source.file}: {shown.figure.token[:200]}"
    parents = (shown.document.id, shown.image.id)
    if reply.error or reply.problem:
        reason = "refused by the teacher" if reply.error else "reply not usable"
        detail = f"{place}: {reply.error or reply.problem}"
        return Reject(reason=reason, raw=reply.text[:MAX_RAW_CHARS], parents=parents, detail=detail)
    description = cleaned(reply.text, shown.section.figures)
    if (words := length_in_words(description)) < settings.min_words:
        detail = f"{place}: {words} words, ingest.describe.min_words is {settings.min_words}"
        return Reject(reason=TOO_SHORT, raw=description, parents=parents, detail=detail)
    return description


def _filled(number: int, row: Document | Reject, results: dict[Key, Outcome]) -> Iterator[Document | Reject]:
    """Yield rejects for the pictures that have no description, then the document with its descriptions."""
    images = {(number, shown.image.sha256): shown.image for shown in _figures(row)}
    if isinstance(row, Reject) or not images:
        yield from _without_bare_pictures(row, "")
        return
    for key, image in images.items():
        if key not in results:
            yield Reject(reason=WRONG_FORMAT, raw=image.name, parents=(row.id, image.id), detail=image.file)
        elif isinstance(outcome := results[key], Reject):
            results[key] = ""
            yield outcome
    words = {key[1]: str(results[key]) for key in images if key in results}
    yield from _without_bare_pictures(_with(row, words), "")


def _with(document: Document, words: dict[str, str]) -> Document:
    """Return the document with descriptions added to its figures; `words` maps a picture's SHA-256 to its text."""

    def with_words(figure: Figure) -> Figure:
        update = {"description": words.get(figure.image.sha256, "")} if figure.image else {}
        return figure.model_copy(update=update)

    sections = (s.model_copy(update={"figures": tuple(map(with_words, s.figures))}) for s in document.sections)
    return document.model_copy(update={"sections": tuple(sections)})


def _without_bare_pictures(row: Document | Reject, next_step: str) -> Iterator[Document | Reject]:
    """Yield a row; replace each section that is only an undescribed picture by a reject, as it has no content."""
    if isinstance(row, Reject) or row.kind == "exhibit":
        yield row
        return
    kept = []
    for section in row.sections:
        # The caption of a row's picture is only its number; tags around a picture are not words.
        has_captions = any(one.description or (one.caption and row.kind != "row") for one in section.figures)
        words = _HTML_TAG.sub("", without_figures(section.text, section.figures)).strip()
        if not section.figures or has_captions or words:
            kept.append(section)
            continue
        page, line = section.source.page, section.source.first_line
        where = f"page {page}" + (" has no text" if row.kind == "pdf" else "") if page else f"line {line}"
        detail = f"{section.source.file} {where}" + (f": {next_step}" if next_step else "")
        yield Reject(reason=NOT_DESCRIBED, raw=section.title or row.name, parents=(row.id,), detail=detail)
    if kept:
        yield row if len(kept) == len(row.sections) else row.model_copy(update={"sections": tuple(kept)})
