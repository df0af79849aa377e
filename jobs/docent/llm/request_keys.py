"""One asking of a request: what is sent, and its keys in the journal.

Reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from docent.llm.chat import ChatRequest


@dataclass(frozen=True, slots=True)
class Ask:
    """One asking: what is sent, and as what it is known.

    Attributes:
        first: key of the request when it was asked for the first time.
        key: of this time.
        body: canonical JSON, pictures by their hash.
        corrects: this is the turn of correction.
        is_probe: it is sent whatever the journal holds, to see whether the endpoint answers now.
    """

    request: ChatRequest
    first: bytes
    key: bytes
    body: bytes
    corrects: bool = False
    is_probe: bool = False
