"""Define the material that a teacher gets for typed questions, and the JSON that it returns.

This is the contract between the stage that asks (generate-qa) and every teacher: the schema of an endpoint's reply is
`TypedReply` or `ReasonedReply`; the offline teacher reads `TypedMaterial` instead of the prompt and returns the same
JSON. A teacher that cannot write a question type raises RequestRefusedError; one that finds nothing to write about
replies with fewer pairs. Reads and writes nothing.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class TypedPair(_Model):
    """One question with its answer."""

    question: str
    """The question, complete in itself."""
    answer: str
    """The answer, complete in itself."""
    figures: list[str]
    """Names of the listed figures that belong to the question, as they are listed; usually none."""


class ReasonedPair(_Model):
    """One question with the steps that lead to its answer."""

    question: str
    """The question, complete in itself."""
    reasoning_steps: list[str]
    """The steps that lead from the material to the answer, one sentence each."""
    answer: str
    """The answer, complete in itself."""
    figures: list[str]
    """Names of the listed figures that belong to the question, as they are listed; usually none."""


class TypedReply(_Model):
    """All pairs of one request."""

    pairs: list[TypedPair]
    """As many as were asked for."""


class ReasonedReply(_Model):
    """The same with reasoning."""

    pairs: list[ReasonedPair]
    """As many as were asked for."""


@dataclass(frozen=True)
class TypedMaterial:
    """The material of one request in structured form.

    Attributes:
        question_type: an entry of question_types.yaml.
        name: the document's title, or the exhibit's name.
        title: the section's title; empty for an exhibit.
        text: the section's text, in which figure references are replaced by descriptions.
        facts: the statements of the section; for a question about one fact, only that fact.
        others: titles and texts of other sections: first the partner of a two-section question, then related ones.
        figures: token and caption of each listed figure.
        pairs: number of pairs requested.
        language: a code such as `en`.
        seed: the run's seed; it is combined with name, title and text.
        reasoning: whether the reply is a ReasonedReply.
        truths: for `boolean`, the required answer of each pair in turn; empty for other types.
        dialogue: for the second step of `conversation`, the questions and answers written in the first step, whose
            questions are to be reworded; empty in the first step.
    """

    question_type: str
    name: str
    title: str
    text: str
    facts: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]
    pairs: int
    language: str
    max_answer_words: int
    seed: int
    reasoning: bool = False
    truths: tuple[bool, ...] = ()
    dialogue: tuple[tuple[str, str], ...] = ()
