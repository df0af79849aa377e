"""What every teacher takes and gives: one chat request, one reply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Message:
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Material:
    """What pairs are asked about, beside the prompt: all that the offline teacher needs.

    Attributes:
        temperatures: all temperatures of the run, ascending; pairs of one are not repeated at another.
        temperature: the one asked for now.
        pairs: how many pairs per temperature.
        language: of questions and answers.
        seed: of the run; the exhibit's name and text enter as well.
    """

    name: str
    text: str
    temperatures: tuple[float, ...]
    temperature: float
    pairs: int
    max_answer_words: int
    language: str
    seed: int


@dataclass(frozen=True)
class ChatRequest:
    """What is asked. `material` is what the messages say in structured form, for the offline teacher."""

    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    material: Material


@dataclass(frozen=True)
class ChatReply:
    """What came back.

    Attributes:
        error: why the endpoint refused this one request; the text is then empty.
        problem: why the text could not be used although it was asked for again; "" when it can.
        asks: how many replies were needed, unusable ones included.
    """

    text: str
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""
    problem: str = ""
    asks: int = 1


class Provider(Protocol):
    """One kind of teacher; the rows of PROVIDERS in client.py."""

    name: str
    teacher: str
    base_url: str

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """All that decides the reply, as JSON values, without any credential: the journal's key is made of it."""

    async def send(self, request: ChatRequest, closing: asyncio.Event) -> ChatReply:
        """One reply, after as many tries as it takes.

        Args:
            request: what is asked.
            closing: once set, no new try is begun and StoppedError ends the waiting.

        Raises:
            ConfigError: a credential, the model's name or the endpoint is wrong.
            TemporaryError: the endpoint is down.
        """

    async def close(self) -> None:
        """Let go of connections; `send` opens them again."""
