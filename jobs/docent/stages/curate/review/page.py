"""Render pairs as one HTML document that works offline and loads no other files; all data is escaped.

Reads `review.html.j2`, `review.css` and `review.js` of this package and the pictures of the pairs; writes nothing.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from docent.errors import ConfigError, InputError
from docent.records import ImageFile
from docent.stages.curate.review.review import Shown
from docent.stages.curate.review.table import COLUMNS
from docent.store import Artifact
from docent.text.natural_order import natural_key

MAX_PAGE_CHARS = 12_000_000
MAX_THUMBNAILS = 4


@dataclass
class Page:
    """The review page while pairs are added to it.

    Attributes:
        inputs: complete units by name, to read pictures from.
    """

    run: str
    inputs: Mapping[str, Artifact]
    cards: list[dict[str, Any]] = field(default_factory=list)
    _chars: int = 0
    _thumbnails: dict[str, str | None] = field(default_factory=dict)

    def fill(self, pairs: Iterable[Shown], places: Mapping[str, tuple[bool, int]]) -> None:
        """Add pairs to the page until it has MAX_PAGE_CHARS.

        Args:
            pairs: the pairs to add, in any order.
            places: ids of the pairs, the most important first, each with its sort key on the page.
        """
        by_id = {shown.pair.id: shown for shown in pairs}
        for pair_id in places:
            if self._chars <= MAX_PAGE_CHARS:
                self._add(by_id[pair_id])
        self.cards.sort(key=lambda card: places[card["pair"].id])

    def _add(self, shown: Shown) -> None:
        row = shown.row()
        pictures = [self._thumbnail(image) for image in shown.pair.figures[:MAX_THUMBNAILS]]
        card = {
            **vars(shown),
            "pictures": [picture for picture in pictures if picture],
            "file": row["file"],
            "lines": row["lines"],
        }
        self._chars += len(shown.pair.question) + len(shown.pair.answer) + sum(len(one or "") for one in pictures)
        self._chars += sum(len(line.text) + 60 for passage in shown.passages for line in passage.lines)
        self.cards.append(card)

    def _thumbnail(self, image: ImageFile) -> str | None:
        from docent.vision.thumbnails import thumbnail

        if image.sha256 not in self._thumbnails:
            try:
                self._thumbnails[image.sha256] = thumbnail(self.inputs[image.unit].file(image.file))
            except (InputError, KeyError):  # its unit has been removed since
                self._thumbnails[image.sha256] = None
        return self._thumbnails[image.sha256]

    def render(self, pairs: int) -> str:
        """Render the page.

        Args:
            pairs: the total number of pairs in the run.

        Raises:
            ConfigError: jinja2 is not installed.
        """
        try:
            from jinja2 import Environment, StrictUndefined
            from markupsafe import Markup
        except ImportError:
            raise ConfigError(
                "the review page requires jinja2", "this environment", "pip install docent[report]"
            ) from None
        style, script = _asset("review.css"), _asset("review.js")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        return environment.from_string(_asset("review.html.j2")).render(
            run=self.run,
            cards=self.cards,
            pairs=pairs,
            verdicts=_distinct(card["verdict"].name for card in self.cards),
            types=_distinct(card["pair"].question_type for card in self.cards),
            documents=_distinct(card["document"] for card in self.cards),
            columns=" ".join(COLUMNS),
            key=hashlib.sha256("".join(card["pair"].id for card in self.cards).encode()).hexdigest()[:16],
            policy=f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'",
            style=Markup(style),
            script=Markup(script),
        )


def _distinct(values: Any) -> list[str]:
    return sorted({value for value in values if value}, key=natural_key)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
