"""Chat requests and replies, as every teacher takes and returns them.

Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from docent.llm.structure.typed import TypedMaterial


@dataclass(frozen=True)
class Image:
    """A picture that goes with a message: known by its content, read only when it is sent.

    Attributes:
        path: where its bytes lie.
        sha256: of those bytes, 64 hex digits.
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
    """What pairs are asked about, beside the prompt: all that the offline teacher needs.

    Attributes:
        temperatures: all temperatures of the run, ascending; pairs of one are not repeated at another.
        temperature: the one asked for now.
        pairs: how many pairs per temperature.
        language: of questions and answers.
        seed: of the run; the exhibit's name and text enter as well.
        spoken_name: as answers say it, where that is not `name`.
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
    """What is asked.

    Attributes:
        max_tokens: most tokens of the reply; a reply cut there is never used.
        material: what the messages say in structured form, for the offline teacher.
        schema: what the reply must be, as JSON; None for free text.
        problem_of: why a reply cannot be used, "" when it can; the request is then asked again. Not called for a reply
            that was cut off by its length or does not fit the schema.
    """

    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    material: Material | TypedMaterial | None = None
    schema: type[BaseModel] | None = None
    problem_of: Callable[[ChatReply], str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back.

    Attributes:
        error: why there is no reply to this request although others have theirs; the text is then empty.
        problem: why the text could not be used although it was asked for again; "" when it can.
        asks: how many replies were needed, unusable ones included.
        value: the reply as an object of the request's schema.
        repaired: its JSON had to be fixed before it could be read.
        whole: the endpoint gave all of it; nothing of any other reply may be used.
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
    """The endpoint will never answer this one request (HTTP 400, 413, 422): the message says why, without the key."""
