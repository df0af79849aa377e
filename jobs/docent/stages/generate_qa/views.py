"""Select what the teacher sees for one call: the section or a part of it, related sections, and pictures.

Reads and writes nothing. Pictures are only named here; their bytes are read when the request is sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docent.config.stages import GenerateQA
from docent.records import Fact, Figure, ImageFile, Item, Span
from docent.stages.generate_qa.calls import Call, ItemIndex, facts_of_item, seeded
from docent.stages.generate_qa.question_types import language_of
from docent.text.languages import Language
from docent.text.markdown.figures import with_descriptions
from docent.text.prompt_safety import visible

RELATED_CHARS = 2000
"""Maximum number of characters of each related section; the search for related sections compares as many."""
MAX_LISTED_FACTS = 100
SOUGHT_CHARS = 100_000
"""Distance in characters, before and after its estimated position, within which a fact of a section is searched."""
MEDIA_TYPES = {".jpg": "image/jpeg", **{f".{kind}": f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif")}}
"""Types of pictures that endpoints accept, by file name suffix; other pictures are not sent."""


@dataclass(frozen=True)
class Asking:
    """Everything that all calls of a run have in common.

    Attributes:
        path_of: returns the path of a picture.
        by_title: whether the teacher refers to sections by their titles, as the offline teacher does.
    """

    section: GenerateQA
    seed: int
    index: ItemIndex
    path_of: Callable[[ImageFile], Path]
    by_title: bool = False

    def why_not(self, call: Call) -> str:
        """Return why a call is impossible, or "" if it is possible."""
        return self.index.why_not(call, self.by_title)


@dataclass(frozen=True)
class View:
    """The material that one call shows to the teacher.

    Attributes:
        text: the text of the section, with figures replaced by their descriptions.
        sources: the lines that the pairs are written from: of the fact, the section, or both sections.
        fact: the fact to ask about, if the type asks about one.
        partner: the second section, if the type needs one.
        figures: figures that are listed and attached; each picture only once.
        truths: the intended answer of each pair, for true-or-false questions.
    """

    text: str
    sources: tuple[Span, ...]
    facts: tuple[Fact, ...]
    fact: Fact | None
    partner: Item | None
    related: tuple[Item, ...]
    figures: tuple[Figure, ...]
    language: Language
    truths: tuple[bool, ...]


def view_of(call: Call, asking: Asking) -> View:
    """Return the material of a call. The call must be possible (see ItemIndex.why_not)."""
    item, kind, section = call.item, call.kind, asking.section
    facts = facts_of_item(item)
    fact = facts[call.unit] if kind.context == "fact" else None
    partner = asking.index.partner(call, asking.seed) if kind.context == "two-sections" else None
    related = asking.index.related(item) if kind.related else []
    related = [other for other in related if partner is None or other.id != partner.id]
    near = [item, *([partner] if partner else []), *related]
    spans = (fact.source,) if fact else (item.source, *([partner.source] if partner else []))
    return View(
        sources=spans,
        text=_text_around(item, fact, section.max_section_chars),
        facts=(fact,) if fact else facts[:MAX_LISTED_FACTS],
        fact=fact,
        partner=partner,
        related=tuple(related),
        figures=tuple(figures_of(near, section.max_images)),
        language=language_of(item.language, section),
        truths=_truths(call, asking.seed),
    )


def figures_of(items: Sequence[Item], most: int) -> Iterator[Figure]:
    """Yield figures with a picture that can be sent, nearest section first; each picture and each token only once."""
    pictures: set[str] = set()
    tokens: set[str] = set()
    for figure in (figure for item in items for figure in item.figures):
        image = figure.image
        if len(pictures) >= most:
            return
        if image is None or media_type(image) is None or image.sha256 in pictures or figure.token in tokens:
            continue
        pictures.add(image.sha256)
        tokens.add(figure.token)
        yield figure


def media_type(image: ImageFile) -> str | None:
    """Return the MIME type of a picture, or None if endpoints do not accept its type."""
    return MEDIA_TYPES.get(PurePosixPath(image.file).suffix.lower())


def shown_text(item: Item) -> str:
    """Return the text of a section as a reader sees it, with descriptions of figures."""
    return visible(with_descriptions(item.text, item.figures))


def window(text: str, chars: int, middle: int = 0) -> str:
    """Return at most `chars` characters of a text, from its beginning or around the position `middle`."""
    start = max(0, min(middle - chars // 2, len(text) - chars))
    return text[start : start + chars]


def _text_around(item: Item, fact: Fact | None, chars: int) -> str:
    """Return the section; if it is too long, return its beginning or the text around a fact."""
    text = shown_text(item)
    if fact is None or len(text) <= chars:
        return window(text, chars)
    # The fact's line gives its approximate position; searching the complete text for each fact could take hours.
    lines = max(1, item.source.last_line - item.source.first_line + 1)
    near = len(text) * (fact.source.first_line - item.source.first_line) // lines
    found = text.find(visible(fact.text), max(0, near - SOUGHT_CHARS), near + SOUGHT_CHARS)
    return window(text, chars, found if found >= 0 else near)


def _truths(call: Call, seed: int) -> tuple[bool, ...]:
    """Return true and false alternately over the complete run, so that both are equally many; the first is random."""
    if call.kind.form != "boolean":
        return ()
    first = seeded(seed, "truth", call.kind.name).randrange(2)
    begin = first + call.number * call.kind.quota
    return tuple((begin + index) % 2 == 0 for index in range(call.kind.quota))
