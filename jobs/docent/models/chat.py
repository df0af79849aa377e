"""How a question about a photo becomes what the processor takes: one place for training and for answering.

The text goes through the processor's own chat template. Special tokens inside questions and answers are removed
first: a text must not open a second picture or end the turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from docent.errors import InputError
from docent.records import Example
from docent.vision.photos import PhotoError, decode
from docent.vision.square import square

# What `ingest` let in is smaller; this only stops a data set that was tampered with.
MAX_PIXELS = 1e9


def require_pictures(examples: Iterable[Example]) -> None:
    """Every row must have a picture before a model that looks at pictures is given any.

    Raises:
        InputError: some rows are text alone.
    """
    without = [row for row in examples if not row.files]
    if without:
        first = without[0]
        raise InputError(
            f"the data set has {len(without)} rows without a picture, which this model cannot be trained on or asked",
            f"{first.split} row {first.data_id} ({first.id})",
            "leave out finetune and answer for documents without figures, or train on the chat-*.jsonl elsewhere",
        )


def prompt_text(processor: Any, question: str) -> str:
    """The conversation up to where the answer begins."""
    return str(processor.apply_chat_template([_user(processor, question)], add_generation_prompt=True))


def dialog_text(processor: Any, question: str, answer: str) -> str:
    """The conversation up to the token that ends the answer, without the line break after it."""
    said = {"role": "assistant", "content": [{"type": "text", "text": without_special_tokens(processor, answer)}]}
    return str(processor.apply_chat_template([_user(processor, question), said])).rstrip()


def without_special_tokens(processor: Any, text: str) -> str:
    """The text with every special token of the tokenizer taken out, and no white space around it."""
    # `all_special_tokens` lists only those with a role; a reloaded tokenizer no longer has <image> among them.
    added = processor.tokenizer.added_tokens_decoder.values()
    special = sorted((token.content for token in added if token.special), key=len, reverse=True)
    previous = ""
    while previous != text:
        previous = text
        for token in special:
            text = text.replace(token, "")
    return text.strip()


def open_photo(path: Path) -> Image.Image:
    """The photo of a data set row, upright, in RGB.

    Raises:
        InputError: the file is not a picture.
    """
    try:
        return decode(path, MAX_PIXELS)
    except (PhotoError, OSError) as error:
        raise InputError(f"not a readable picture: {error}", str(path), "docent run --verify") from None


def fitted(processor: Any, image: Image.Image) -> Image.Image:
    """The photo, padded to a square where the processor would stretch it to one, and then no larger than it needs.

    The processor resizes with the same function; done here, it makes no numpy copies of a large photo.
    """
    settings = processor.image_processor
    side = settings.size.get("longest_edge")
    if side is None or side != settings.size.get("shortest_edge"):
        return image.convert("RGB")
    whole = square(image)
    # The processor rounds odd sides up.
    return whole.resize((side, side), settings.resample) if settings.do_resize and not side % 2 else whole


def _user(processor: Any, question: str) -> dict[str, Any]:
    asked = {"type": "text", "text": without_special_tokens(processor, question)}
    return {"role": "user", "content": [{"type": "image"}, asked]}
