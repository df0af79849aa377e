"""Define a question type, as in question_types.yaml and `generate_qa.own_types`. Reads and writes nothing."""

from typing import Literal

from docent.config.fields import ConfigSection, output


class QuestionType(ConfigSection):
    """A type of question about a section."""

    name: str = output(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    """Name of the type, to be listed in `generate_qa.types`."""
    difficulty: Literal["easy", "medium", "hard", ""] = output("")
    """Difficulty of the questions. Empty for styles, which only describe the form of an answer."""
    quota: int = output(1, ge=1, le=20)
    """Number of pairs per request: one request per section (or per fact, with `context: fact`) and temperature."""
    context: Literal["section", "fact", "two-sections"] = output("section")
    """Text that a question refers to: a section, one fact of a section, or two sections."""
    related: bool = output(True)
    """`true` adds related sections to the prompt, so that the teacher uses the terms of the document."""
    held_out: bool = output(False)
    """`true` uses the pairs of this type for testing only, never for training."""
    form: Literal["single", "boolean", "cloze", "conversation"] = output("single")
    """Form of the pairs. `single`: a question and its answer. `boolean`: answers begin with true or false, alternately.
    `cloze`: as `boolean`, or the question has a blank to fill in. `conversation`: the pairs are successive turns, and
    later questions use pronouns."""
    verbatim: bool = output(False)
    """`true` requires answers to be literal quotations from the section."""
    answer_words: int | None = output(None, ge=1)
    """Maximum number of words per answer, if lower than `generate_qa.max_answer_words`; null uses only that."""
    instruction: str = output(min_length=1)
    """Instruction to the teacher for this type of question."""
