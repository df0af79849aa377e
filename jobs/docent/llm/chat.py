"""Define chat requests and replies in the form that all teachers use.

Reads and writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from docent.llm.structure.typed import TypedMaterial


@dataclass(frozen=True)
class Image:
    """An image of a message, identified by its content and read only when it is sent.

    Attributes:
        path: the file's path.
        sha256: hash of the file's bytes, 64 hex digits.
        media_type: `image/png`, `image/jpeg`, ...
    """

    path: Path
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Message:
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True)
class Material:
    """The content of a prompt for dialogues, in structured form, which the offline teacher reads instead of the prompt.

    Attributes:
        temperatures: all temperatures of the run, ascending; a pair written at one is not repeated at another.
        temperature: the temperature of this request.
        pairs: number of pairs per temperature.
        language: language of questions and answers.
        seed: the run's seed; it is combined with the exhibit's name and text.
        spoken_name: the name as used in answers, if it differs from `name`.
    """

    name: str
    text: str
    temperatures: tuple[float, ...]
    temperature: float
    pairs: int
    max_answer_words: int
    language: str
    seed: int
    spoken_name: str = ""


@dataclass(frozen=True)
class ChatRequest:
    """One request to a teacher.

    Attributes:
        max_tokens: the reply's limit in tokens; a reply that is cut off there is never used.
        material: the content of the messages in structured form, for the offline teacher.
        schema: the schema of a JSON reply, or None for free text.
        problem_of: returns why a reply cannot be used, or "" if it can. If it cannot, the request is
            repeated. Not called for a reply that was cut off by its length or does not fit the schema.
    """

    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    material: Material | TypedMaterial | None = None
    schema: type[BaseModel] | None = None
    problem_of: "Callable[[ChatReply], str] | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """One reply to a request.

    Attributes:
        error: why this request has no reply although others have one; the text is then empty.
        problem: why the text cannot be used, even after the request was repeated, or "" if it can be used.
        asks: number of times that the request was sent until a usable reply arrived, or until it was given up.
        value: the reply as an object of the request's schema, or None.
        repaired: whether its JSON had to be fixed before it could be parsed.
        whole: whether the endpoint sent the complete reply; no part of an incomplete one may be used.
    """

    text: str
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""
    problem: str = ""
    asks: int = 1
    value: BaseModel | None = None
    repaired: bool = False
    whole: bool = True


class RequestRefusedError(Exception):
    """Raised if the endpoint will never answer this request (HTTP 400, 413, 422); gives the reason without the key."""
