"""Define a question type, as in question_types.yaml and `generate_qa.own_types`. Reads and writes nothing."""

from __future__ import annotations

from typing import Literal

from docent.config.fields import ConfigSection, output


class QuestionType(ConfigSection):
    """One kind of question about a section."""

    name: str = output(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    """Name used in `generate_qa.types`."""
    difficulty: Literal["easy", "medium", "hard", ""] = output("")
    """Difficulty of its questions; empty for styles, which only describe the form of an answer."""
    quota: int = output(1, ge=1, le=20)
    """Pairs per request: per section (or fact, where `context` is `fact`) and temperature."""
    context: Literal["section", "fact", "two-sections"] = output("section")
    """Text that a question refers to: a section, one of its facts, or two sections."""
    related: bool = output(True)
    """Include related sections in the prompt, so that terms are used as in the document."""
    held_out: bool = output(False)
    """Use its pairs for testing only."""
    form: Literal["single", "boolean", "cloze", "conversation"] = output("single")
    """`boolean`: answers start with true or false, in turn. `cloze`: the same, or a blank in the question.
    `conversation`: pairs are turns, and later questions use pronouns."""
    verbatim: bool = output(False)
    """Require answers to be literal quotes from the section."""
    answer_words: int | None = output(None, ge=1)
    """Maximum words per answer, if lower than `generate_qa.max_answer_words`."""
    instruction: str = output(min_length=1)
    """Instruction to the teacher."""
