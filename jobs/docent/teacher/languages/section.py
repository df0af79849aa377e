"""Prepare a section in a language other than English for the question writers: its sentences, rows and names.

Reads and writes nothing.
"""

import re
from dataclasses import replace
from functools import cached_property

from docent.teacher.languages.articles import interrogative, of_thing, with_article
from docent.teacher.languages.heads import is_year
from docent.teacher.languages.patterns import FormQuestion, questions_by_form
from docent.teacher.languages.row_wordings import UNARTICLED, interval_sentence, is_articled, place_or_time, wording_of
from docent.teacher.languages.signals import polite_ko
from docent.teacher.languages.tables import TableRow, is_row_of_table, rows_of
from docent.teacher.section import TeacherSection, is_telling
from docent.teacher.source.references import leans
from docent.teacher.source.statements import Statement, bare_title, statements_of
from docent.teacher.source.words import UNSPACED, particle
from docent.text.sentences import is_heading, plain
from docent.text.terms import length_in_words

MIN_ANSWER_WORDS = 4
MAX_NAME_WORDS, MAX_SHORT_CELL_WORDS = 6, 6
_NUMBERED_TITLE = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.|[IVX]+\.|第\s?\d+\s?[章節节]|제?\s?\d+\s?장)\s+")
_YEAR = {"ja": "年", "zh": "年", "ko": "년"}
_NO_POINTER = re.compile("应该|尤其|其他|其余|与其|极其")
"""Chinese words that contain a character which, as a separate word, refers to an earlier sentence."""


class NonEnglishSection(TeacherSection):
    """The section of one request in a language other than English."""

    @cached_property
    def code(self) -> str:
        """Return the language's code."""
        return self.words.code

    @cached_property
    def every(self) -> list[Statement]:
        """Return the section's statements, except those that are unfinished or only refer to other places."""
        text = "\n".join("" if line.lstrip().startswith("|") else line for line in self.material.text.splitlines())
        return [s for s in statements_of(text, self.words) if self.is_source(s.whole)]

    @cached_property
    def sentences(self) -> list[Statement]:
        """Return the sentences and steps that questions are made of, including those that depend on the one before."""
        kept = [s for s in self.every if s.is_askable and s.kind in ("sentence", "step")]
        kept = [s for s in kept if not s.alone or not self.points_back(s.text)]
        return [s for s in kept if not is_heading(s.text) or s.label]

    @cached_property
    def alone(self) -> list[Statement]:
        """Return sentences that can be understood without the one before."""
        return [s for s in self.sentences if s.alone and s.kind == "sentence" and not is_heading(s.text)]

    @cached_property
    def is_row(self) -> bool:
        """Return whether the document is one row of a table, for example one line of a CSV file."""
        return not self.material.title and is_row_of_table(self.material.text)

    @cached_property
    def all_rows(self) -> list[TableRow]:
        """Return all rows of its tables and `key: value` lines."""
        rows = rows_of(self.material.text, self.words, self.name if self.is_row else "", self.material.title)
        return [row for row in rows if self.is_source(row.value) and plain(row.value) != plain(self.name)]

    @cached_property
    def rows(self) -> list[TableRow]:
        """Return the rows with a natural question; if the document is one row of a table and has none, all rows."""
        askable = [row for row in self.all_rows if self._is_askable(row)]
        return askable or (self.all_rows if self.is_row else [])

    def is_source(self, text: str) -> bool:
        """Check whether a text has content: it is neither unfinished nor a mere reference to another place."""
        return not self.words.finds("todo", text) and not self.words.finds("points", text)

    def points_back(self, sentence: str) -> bool:
        """Check whether the first clause of a sentence needs another sentence; a later one may refer to the first."""
        return leans(_NO_POINTER.sub("", re.split("[,、，:：;；]", sentence)[0]), self.code)

    @cached_property
    def name(self) -> str:
        """Return the document's bare title; for a numbered row, the first cell with a name."""
        bare = bare_title(self.material.name)
        if re.search(r"[^\W\d_]", bare) or not self.is_row:
            return bare
        cells = (row.value for row in rows_of(self.material.text, self.words, bare or "-"))
        names = (cell for cell in cells if re.search(r"[^\W\d_]", cell) and length_in_words(cell) <= MAX_NAME_WORDS)
        return next(names, bare)

    @cached_property
    def title(self) -> str:
        """Return the heading without its number, or "" if it adds nothing to the document's title."""
        bare = _NUMBERED_TITLE.sub("", bare_title(self.material.title))
        return "" if not is_telling(bare) or plain(bare) == plain(self.name) else bare

    def questions_of(self, statement: Statement) -> list[FormQuestion]:
        """Return the questions that a sentence answers, each complete in itself."""
        questions = questions_by_form(statement.text, self.code, self.frame("inside"), self.name)
        kept = [asked for asked in questions if asked.leans != statement.alone]
        return [a if a.with_document else replace(a, question=self._begun(a.question)) for a in kept]

    def row_question(self, row: TableRow) -> str:
        """Return the question that a row answers."""
        question = place_or_time(self.frame(wording_of(row, self.code), **self._row_slots(row)), row.column, self.code)
        return question if self.is_row or self.frame("inside") else self._begun(question)

    def row_answer(self, row: TableRow) -> str:
        """Return a row as a sentence."""
        key = wording_of(row, self.code)
        if key == "due" and (sentence := interval_sentence(row.name, row.value.rstrip(" .。;；"), self.code)):
            return f"{sentence}{'。' if self.code in UNSPACED else '.'}"
        if row.lamp and self.code == "ko" and (sentence := polite_ko(row.value)):
            return f"{row.lamp}{particle(row.lamp, '이', '가')} {row.glows} {sentence}."
        is_short = length_in_words(row.value) <= MAX_SHORT_CELL_WORDS and not re.search("。$|(?<!마)다$", row.value)
        if key == "cell" and self.code in UNARTICLED and is_short:
            key = "cell_thing_number"
        if key == "remedy" and row.cause:
            key = "remedy_of_cause"
        answer = self.frame(f"{key}_answer", **self._row_slots(row))
        return answer[:1].upper() + answer[1:]

    def full_row_answer(self, row: TableRow) -> str:
        """Return a row as a separate answer, preceded by the document's name if it would be too short."""
        answer = self.row_answer(row)
        return answer if length_in_words(answer) >= MIN_ANSWER_WORDS else f"{self.frame('according')}{answer}"

    def _is_askable(self, row: TableRow) -> bool:
        """Check whether there is a natural wording of the question about a row."""
        key = wording_of(row, self.code)
        if self.code == "ko" and re.search(r"[은이]\([는가]\)", self.row_question(row) + self.row_answer(row)):
            return False
        is_article_known = not is_articled(row, self.code) or with_article(row.name, self.code) != ""
        return is_article_known and (self.code in UNARTICLED or key != "cell")

    def _row_slots(self, row: TableRow) -> dict[str, str]:
        thing = with_article(row.column, self.code) or row.column
        value = row.value.rstrip(" .。;；")
        if value.isdecimal() and is_year(row.column, value):
            value = f"{value}{_YEAR.get(self.code, '')}"
        name = self.name if self.is_row and self.code in UNARTICLED else self.words.quoted(row.name or self.name)
        of = f"{'pour' if self.code == 'fr' else 'de'} {name}"
        if row.is_code and self.code == "de" and re.fullmatch(r"[A-ZÄÖÜ][a-zäöüß]+ \S+", row.name):
            name = row.name
        elif is_articled(row, self.code):
            name = with_article(row.name, self.code) or name
            of = of_thing(name)
        return {
            "name": name,
            "of": of,
            "column": self.words.quoted(row.column),
            "column_bare": row.column,
            "thing": thing,
            "Thing": thing[:1].upper() + thing[1:],
            "quel": interrogative(row.column, self.code).capitalize(),
            "value": value,
            "cause": row.cause.rstrip(" .。;；"),
            "lamp": row.lamp,
            "glows": row.glows,
            "when": row.name if self.code in UNARTICLED else f"{row.name[:1].lower()}{row.name[1:]}",
            "laut": "" if self.is_row else self.frame("inside"),
        }

    def _begun(self, question: str) -> str:
        """Return a question preceded by words that name the document."""
        if plain(self.name) in plain(question):
            return question
        first = question
        if self.code in ("fr", "es"):
            first = re.sub(r"^¿?\w", lambda begin: begin[0].lower(), question)
        return f"{self.frame('according')}{first}"
