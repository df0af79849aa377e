"""Prepare an English section for the question writers: its statements and its names.

Reads and writes nothing.
"""

import re
from functools import cached_property, lru_cache

from docent.teacher.section import TeacherSection, is_telling
from docent.teacher.source.statements import Statement, bare_title, length_words, statements_of
from docent.teacher.source.words import words_of_language
from docent.text.sentences import count_words, plain, words_of

MIN_CAPTION_SHARE, MIN_CAPTION_WORDS = 0.5, 2


class EnglishSection(TeacherSection):
    """The section of one request in English."""

    @cached_property
    def every(self) -> list[Statement]:
        """Return all statements of the section."""
        return list(section_statements(self.material.text, "en"))

    @cached_property
    def statements(self) -> list[Statement]:
        """Return the statements that questions are made of."""
        return [statement for statement in self.every if statement.is_askable]

    @cached_property
    def prose(self) -> list[Statement]:
        """Return the sentences and steps that questions are made of."""
        return [statement for statement in self.statements if statement.kind in ("sentence", "step")]

    @cached_property
    def sentences(self) -> list[Statement]:
        """Return all sentences in order, including those that depend on others."""
        return [statement for statement in self.every if statement.kind == "sentence"]

    @cached_property
    def name(self) -> str:
        """Return the document's bare title, or the first name in it if the document is a numbered row."""
        bare = bare_title(self.material.name)
        rows = (s.text.partition(": ")[2] for s in self.statements if s.kind == "row")
        if re.search(r"[^\W\d_]", bare):
            return bare
        return next((v for v in rows if re.search(r"[^\W\d_]", v) and count_words(v) <= 6), bare)

    @cached_property
    def place(self) -> str:
        """Return the document's title, and the section's heading if there is one."""
        title = bare_title(self.material.title)
        if not title or plain(title) == plain(self.name) or not is_telling(title):
            return self.doc
        return self.words.frame("place", title=self.words.quoted(title), doc=self.doc)

    def frame(self, key: str, **slots: str) -> str:
        """Return a wording with its slots filled; document, place and name are filled automatically."""
        return super().frame(key, place=self.place, name=self.name, **slots)

    def length(self, answer: str) -> int:
        """Return the length of an answer in words; four Chinese or Japanese letters count as one word."""
        return max(count_words(answer), length_words(answer) // 2)

    def shows(self, caption: str, evidence: str) -> bool:
        """Check that half of the words of a caption, and at least two, are in the text an answer was taken from."""
        own = {word for word in words_of(caption) if len(word) > 2 and word not in self.words.stop}
        shared = own & set(words_of(evidence))
        return len(shared) >= MIN_CAPTION_WORDS and len(shared) >= MIN_CAPTION_SHARE * len(own)


# Requests for one section follow each other: the section is read once for all types and temperatures.
@lru_cache(maxsize=32)
def section_statements(text: str, code: str) -> tuple[Statement, ...]:
    """Return the statements of a section, read once for all questions about it."""
    return tuple(statements_of(text, words_of_language(code)))
