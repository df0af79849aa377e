"""What the writers of questions outside of English have before them: a section's sentences, rows, names and wordings.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from docent.llm.offline_articles import interrogative, is_property, with_article
from docent.llm.offline_patterns import Asked, asked_of, is_source
from docent.llm.offline_source import Statement, bare_title, cleaned, statements_of
from docent.llm.offline_tables_elsewhere import Row, is_row_of_table, rows_of
from docent.llm.offline_words import Words, words_of_language
from docent.llm.typed import TypedMaterial
from docent.records import canonical_json
from docent.text.sentences import is_heading, plain
from docent.text.terms import length_in_words

T = TypeVar("T")
UNARTICLED = ("ko", "ja", "zh")
MIN_ANSWER_WORDS = 4
MAX_NAME_WORDS, MAX_SHORT_CELL_WORDS = 6, 6
_NUMBERED_TITLE = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.|[IVX]+\.|第\s?\d+\s?[章節节]|제?\s?\d+\s?장)\s+")
_ASKED_FOR = {
    "ko": (
        (r"(?:장소|위치)$", "무엇입니까", "어디입니까"),
        (r"(?:시간|시각|마감|개관|휴관일|날짜|요일)$", "무엇입니까", "언제입니까"),
    ),
    "ja": (
        (r"(?:場所|位置)$", "何ですか", "どこですか"),
        (r"(?:時刻|時間|日時|曜日|開始|終了|休館日)$", "何ですか", "いつですか"),
    ),
    "zh": ((r"(?:地点|位置)$", "是什么", "是哪里"), (r"(?:时间|日期|时刻)$", "是什么", "是什么时候")),
}
_PAGE = re.compile(r"(?:[^\W\d_]+\W{0,2}\s?)?[\d\s.,/–-]*")


@dataclass(frozen=True)
class Page:
    """One request.

    Attributes:
        temperature: another one gives another choice.
    """

    material: TypedMaterial
    temperature: float

    @cached_property
    def words(self) -> Words:
        """The language."""
        return words_of_language(self.material.language)

    @cached_property
    def code(self) -> str:
        """Of the language."""
        return self.words.code

    @cached_property
    def variety(self) -> str:
        """What all chance depends on."""
        m = self.material
        return canonical_json([m.seed, self.temperature, m.question_type, cleaned(m.name), cleaned(m.title)])

    @cached_property
    def _rng(self) -> random.Random:
        return random.Random(self.variety + cleaned(self.material.text))

    @cached_property
    def every(self) -> list[Statement]:
        """What the section says, without what is unfinished or only points elsewhere."""
        text = "\n".join("" if _is_row_line(line) else line for line in self.material.text.splitlines())
        return [s for s in statements_of(text, self.words) if is_source(s.whole, self.code)]

    @cached_property
    def sentences(self) -> list[Statement]:
        """Its sentences and steps that questions can be made of, also those that need the one before."""
        kept = [s for s in self.every if s.asked and s.kind in ("sentence", "step")]
        return [s for s in kept if not is_heading(s.text) or s.label]

    @cached_property
    def alone(self) -> list[Statement]:
        """Sentences that can be understood without the one before."""
        return [s for s in self.sentences if s.alone and s.kind == "sentence" and not is_heading(s.text)]

    @cached_property
    def is_row(self) -> bool:
        """Whether the document is one row of a table, such as a line of a CSV."""
        return not self.material.title and is_row_of_table(self.material.text)

    @cached_property
    def rows(self) -> list[Row]:
        """What its tables and `key: value` lines say."""
        found = rows_of(self.material.text, self.words, self.name if self.is_row else "")
        return [row for row in found if is_source(row.value, self.code) and plain(row.value) != plain(self.name)]

    @cached_property
    def name(self) -> str:
        """The document, in bare words; of a numbered row the first cell with a name."""
        bare = bare_title(self.material.name)
        if re.search(r"[^\W\d_]", bare) or not self.is_row:
            return bare
        cells = (row.value for row in rows_of(self.material.text, self.words, bare or "-"))
        return next(
            (cell for cell in cells if re.search(r"[^\W\d_]", cell) and length_in_words(cell) <= MAX_NAME_WORDS), bare
        )

    @cached_property
    def doc(self) -> str:
        """The document in quotation marks."""
        return self.words.quoted(self.name)

    @cached_property
    def title(self) -> str:
        """The section's heading without its number; "" where it says nothing that the document's title does not."""
        bare = _NUMBERED_TITLE.sub("", bare_title(self.material.title))
        says_nothing = _PAGE.fullmatch(bare) is not None and not bare.strip(" .").isalpha()
        return "" if says_nothing or plain(bare) == plain(self.name) else bare

    def frame(self, key: str, **slots: str) -> str:
        """A wording of the language; the document is always known."""
        return self.words.frame(key, self.variety, doc=self.doc, **slots)

    def asked(self, statement: Statement) -> list[Asked]:
        """Questions that a sentence answers, each complete in itself."""
        found = asked_of(statement.text, self.code, self.frame("inside"), self.name)
        kept = [asked for asked in found if asked.leans != statement.alone]
        return [Asked(self._placed(a), a.kind, a.short, a.leans, True) for a in kept]

    def row_question(self, row: Row) -> str:
        """The question that a row answers."""
        key = _row_key(row, self._is_known(row))
        question = _place_or_time(self.frame(key, **self._row_slots(row)), row.column, self.code)
        return question if self.is_row or self.frame("inside") else self._begun(question)

    def row_answer(self, row: Row) -> str:
        """A row as a sentence."""
        key = _row_key(row, self._is_known(row))
        is_short = length_in_words(row.value) <= MAX_SHORT_CELL_WORDS and row.value[-1:] not in "。다"
        if key == "cell" and self.code in UNARTICLED and is_short:
            key = "cell_thing_number"
        answer = self.frame(f"{key}_answer", **self._row_slots(row))
        return answer[:1].upper() + answer[1:]

    def row_told(self, row: Row) -> str:
        """A row as an answer of its own: behind the document where it would be too short for one."""
        answer = self.row_answer(row)
        return answer if length_in_words(answer) >= MIN_ANSWER_WORDS else f"{self.frame('according')}{answer}"

    def shuffled(self, values: Iterable[T]) -> list[T]:
        """In another order."""
        known = list(values)
        return self._rng.sample(known, len(known))

    def _is_known(self, row: Row) -> bool:
        if self.code in UNARTICLED:
            return True
        return bool(with_article(row.column, self.code)) and (row.is_number or is_property(row.column, self.code))

    def _row_slots(self, row: Row) -> dict[str, str]:
        thing = with_article(row.column, self.code) or row.column
        value = row.value.rstrip(" .。;；")
        return {
            "name": self.name if self.is_row and self.code in UNARTICLED else self.words.quoted(row.name or self.name),
            "column": self.words.quoted(row.column),
            "thing": thing,
            "Thing": thing[:1].upper() + thing[1:],
            "quel": interrogative(row.column, self.code).capitalize(),
            "value": value,
            "laut": "" if self.is_row else self.frame("inside"),
        }

    def _placed(self, asked: Asked) -> str:
        return asked.question if asked.with_document else self._begun(asked.question)

    def _begun(self, question: str) -> str:
        """A question behind the words that say which document it is about."""
        if plain(self.name) in plain(question):
            return question
        first = question
        if self.code in ("fr", "es"):
            first = re.sub(r"^¿?\w", lambda begin: begin[0].lower(), question)
        return f"{self.frame('according')}{first}"


def _row_key(row: Row, is_known: bool) -> str:
    if row.sort in ("meaning", "remedy", "cause_of"):
        return row.sort
    if row.is_price and not row.name:
        return "price"
    if row.name:
        return "cell_thing_number" if row.is_number and is_known else "cell"
    return f"{'thing' if is_known else 'column'}_{'number' if row.is_number else 'text'}"


def _place_or_time(question: str, column: str, code: str) -> str:
    """The question with `where` or `when` in the place of `what`, where the column is one of places or times."""
    for pattern, what, asked in _ASKED_FOR.get(code, ()):
        if re.search(pattern, column):
            return question.replace(what, asked)
    return question


def _is_row_line(line: str) -> bool:
    return line.lstrip().startswith("|")
