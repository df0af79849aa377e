"""Answer requests without a model or a network: questions from a list, answers quoted from the source.

The offline teacher accepts the same requests as an endpoint and replies in the same form, but it reads the structured
material of a request instead of the prompt. typed.py writes typed questions, visitor.py dialogues of visitors. Reads
and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from docent.errors import ConfigError
from docent.llm.chat import ChatRequest, Material, RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.structure.dialogue import format_dialogue
from docent.llm.structure.typed import TypedMaterial
from docent.teacher.guide import ENGLISH, LANGUAGE_VERSIONS, code_of
from docent.teacher.languages.writers import TYPED_LANGUAGE_VERSION
from docent.teacher.typed import TYPED_VERSION, write_typed
from docent.teacher.visitor import write_pairs

TEACHER = "offline-extractive"
VERSION = 4
"""Raised when the replies change: part of the request, so that outdated replies in the journal are not used."""


class OfflineTeacher:
    """The provider `offline`; supports the languages of guide.py (visitors) and source/words.py (typed).

    Raises:
        RequestRefusedError: it cannot write the question type or the language.
    """

    name = "offline"
    teacher = TEACHER
    base_url = ""
    has_answered = False

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the material and the teacher's version; for JSON also an empty list of messages, like endpoints."""
        if isinstance(request.material, TypedMaterial):
            versions = {"typed": TYPED_VERSION, "temperature": request.temperature, "messages": []}
            if request.material.language != ENGLISH:
                versions["typed_language"] = TYPED_LANGUAGE_VERSION
            return {**versions, **asdict(request.material)}
        material = _material(request)
        code = code_of(material.language)
        versions = {} if code in ("", ENGLISH) else {"language_version": LANGUAGE_VERSIONS[code]}
        return {"version": VERSION, **versions, **asdict(material)}

    async def send(self, body: bytes, request: ChatRequest) -> tuple[Entry, Mapping[str, str]]:
        """Return the reply immediately."""
        if isinstance(request.material, TypedMaterial):
            return Entry(write_typed(request.material, request.temperature), "stop"), {}
        material = _material(request)
        if not code_of(material.language):
            raise RequestRefusedError(
                f"the offline teacher does not write {material.language}: that needs a model (llm.provider: openai)"
            )
        return Entry(format_dialogue(write_pairs(material)), "stop"), {}

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _material(request: ChatRequest) -> Material:
    if not isinstance(request.material, Material):
        raise ConfigError(
            "the offline teacher can write questions only from texts",
            "llm.provider",
            "set llm.provider to openai, and set llm.base_url and llm.model",
        )
    return request.material
