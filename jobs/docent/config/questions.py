"""What a question type says of itself: in question_types.yaml, in `generate_qa.own_types`. Reads and writes nothing."""

from __future__ import annotations

from typing import Literal

from docent.config.fields import Section, output


class QuestionType(Section):
    """One kind of question about a section."""

    name: str = output(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    """Name by which `generate_qa.types` asks for it."""
    difficulty: Literal["easy", "medium", "hard", ""] = output("")
    """How hard its questions are to answer; empty for styles, which say how an answer looks."""
    quota: int = output(1, ge=1, le=20)
    """Pairs per request: per section (or fact, where `context` is `fact`) and temperature."""
    context: Literal["section", "fact", "two-sections"] = output("section")
    """What a question is about: a section, one of its facts, or the section together with another one."""
    related: bool = output(True)
    """Show the related sections beside it, so that terms are used as the document does."""
    held_out: bool = output(False)
    """Its pairs are only tested with."""
    form: Literal["single", "boolean", "cloze", "conversation"] = output("single")
    """`boolean`: answers begin with true or false, by turns; `cloze`: that, or a blank in the question;
    `conversation`: the pairs are turns, whose questions are then worded with pronouns."""
    verbatim: bool = output(False)
    """Answers must stand in the section word for word."""
    answer_words: int | None = output(None, ge=1)
    """Most words in an answer, where fewer than `generate_qa.max_answer_words`."""
    instruction: str = output(min_length=1)
    """What the teacher is told to write."""
