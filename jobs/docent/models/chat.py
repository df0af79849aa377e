"""How a question about a photo becomes what the processor takes: one place for training and for answering.

The text goes through the processor's own chat template. Special tokens inside questions and answers stay what they are,
text about markup: they open no second picture and end no turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from docent.errors import ConfigError, InputError
from docent.records import Example
from docent.vision.files.photos import PhotoError, decode
from docent.vision.square import square

# What `ingest` let in is smaller; this only stops a data set that was tampered with.
MAX_PIXELS = 1e9
SPLIT = "\ufdd0"
"""Stands inside special tokens that are text, from `as_text` to `token_ids`; Unicode has no such character."""


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
    return _rendered(processor, question, answer)


def token_ids(processor: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts that `prompt_text` and `dialog_text` made."""
    if not any(SPLIT in text for text in texts):
        return [list(ids) for ids in processor(text=list(texts))["input_ids"]]
    mark, mark_id = _mark(processor)
    encoded = processor(text=[text.replace(SPLIT, mark) for text in texts])["input_ids"]
    return [[token for token in ids if token != mark_id] for ids in encoded]


def as_text(processor: Any, text: str) -> str:
    """The text, no white space around it, with SPLIT behind the first character of every special token in it.

    In the place of SPLIT `token_ids` puts a special token that no template uses, and takes its id out again, so that
    what is before and behind it is read as text. Texts without special tokens are encoded as they always were.
    """
    names = sorted(_special_tokens(processor), key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in names if len(name) > 1)
    text = text.replace(SPLIT, "").strip()
    return re.sub(pattern, lambda found: found[0][0] + SPLIT + found[0][1:], text) if pattern else text


def _mark(processor: Any) -> tuple[str, int]:
    """A special token that no conversation holds, and its id.

    Raises:
        ConfigError: there is none.
    """
    in_use = set(processor(text=[_rendered(processor, "", "")])["input_ids"][0])
    unknown = processor.tokenizer.unk_token  # last: some tokenizers read letters that they lack as this token
    for name, number in sorted(_special_tokens(processor).items(), key=lambda token: token[0] == unknown):
        if number not in in_use:
            return name, number
    raise ConfigError("the tokenizer has no unused special token", "finetune.base_model", "choose another model")


def _special_tokens(processor: Any) -> dict[str, int]:
    """Every special token of the tokenizer with its id.

    `all_special_tokens` lists only those with a role; a reloaded tokenizer no longer has <image> among them.
    """
    added = processor.tokenizer.added_tokens_decoder.items()
    return {token.content: number for number, token in added if token.special}


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


def _rendered(processor: Any, question: str, answer: str) -> str:
    said = {"role": "assistant", "content": [{"type": "text", "text": as_text(processor, answer)}]}
    return str(processor.apply_chat_template([_user(processor, question), said])).rstrip()


def _user(processor: Any, question: str) -> dict[str, Any]:
    asked = {"type": "text", "text": as_text(processor, question)}
    return {"role": "user", "content": [{"type": "image"}, asked]}
