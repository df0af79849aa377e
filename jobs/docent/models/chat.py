"""Turn questions about photos into processor inputs, the same way for training and for answering.

The text goes through the processor's own chat template. Special tokens inside questions and answers are encoded as
plain text, so they cannot insert another picture or end a turn.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from docent.errors import ConfigError, InputError
from docent.records import Example
from docent.vision.photos import PhotoError, decode
from docent.vision.square import square

# `ingest` accepts only smaller pictures; this limit guards against data sets that were tampered with.
MAX_PIXELS = 1e9
SPLIT = "\ufdd0"
"""Marks special tokens to be read as text: `as_text` inserts it, `token_ids` removes it. A Unicode noncharacter."""


def require_pictures(examples: Iterable[Example]) -> None:
    """Check that every row has a picture, because vision-language models need one.

    Raises:
        InputError: some rows consist of text only.
    """
    without = [row for row in examples if not row.files]
    if without:
        first = without[0]
        raise InputError(
            f"the data set has {len(without)} rows without a picture, which this model can neither train on nor answer",
            f"{first.split} row {first.data_id} ({first.id})",
            "leave out finetune and answer for documents without figures, or train on the chat-*.jsonl elsewhere",
        )


def prompt_text(processor: Any, question: str) -> str:
    """Return the conversation up to the point at which the answer begins."""
    return str(processor.apply_chat_template([_user(processor, question)], add_generation_prompt=True))


def dialog_text(processor: Any, question: str, answer: str) -> str:
    """Return the conversation up to the token that ends the answer, without the line break after that token."""
    reply = {"role": "assistant", "content": [{"type": "text", "text": as_text(processor, answer)}]}
    return str(processor.apply_chat_template([_user(processor, question), reply])).rstrip()


def token_ids(processor: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of texts that `prompt_text` or `dialog_text` returned."""
    special = not (texts and _begins_with_bos(processor, texts[0]))
    if not any(SPLIT in text for text in texts):
        return [list(ids) for ids in processor(text=list(texts), add_special_tokens=special)["input_ids"]]
    mark, mark_id = _mark(processor)
    marked = [text.replace(SPLIT, mark) for text in texts]
    encoded = processor(text=marked, add_special_tokens=special)["input_ids"]
    return [[token for token in ids if token != mark_id] for ids in encoded]


def _begins_with_bos(processor: Any, text: str) -> bool:
    """Return whether the template has written the token that begins a text; the tokenizer must not add it again."""
    bos = processor.tokenizer.bos_token
    return bos is not None and text.startswith(bos)


def as_text(processor: Any, text: str) -> str:
    """Return the stripped text with SPLIT inserted after the first character of every special token in it.

    `token_ids` replaces SPLIT with a special token that no template uses, then removes the id of that token. The
    tokenizer therefore reads both halves of the split token as text. Texts without special tokens remain unchanged.
    """
    names = sorted(_special_tokens(processor), key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in names if len(name) > 1)
    text = text.replace(SPLIT, "").strip()
    return re.sub(pattern, lambda match: match[0][0] + SPLIT + match[0][1:], text) if pattern else text


def _mark(processor: Any) -> tuple[str, int]:
    """Return a special token that no conversation contains, and its id.

    Raises:
        ConfigError: the tokenizer has no such token.
    """
    in_use = set(processor(text=[dialog_text(processor, "", "")])["input_ids"][0])
    unknown = processor.tokenizer.unk_token  # tried last: some tokenizers encode unknown letters as this token
    for name, number in sorted(_special_tokens(processor).items(), key=lambda token: token[0] == unknown):
        if number not in in_use:
            return name, number
    raise ConfigError("the tokenizer has no unused special token", "finetune.base_model", "choose another model")


def _special_tokens(processor: Any) -> dict[str, int]:
    """Return every special token of the tokenizer with its id.

    `all_special_tokens` lists only tokens with a role; it omits <image> after a tokenizer was saved and reloaded.
    """
    added = processor.tokenizer.added_tokens_decoder.items()
    return {token.content: number for number, token in added if token.special}


def open_photo(path: Path) -> Image.Image:
    """Open the photo of a data set row, upright and in RGB.

    Raises:
        InputError: the file is not a readable picture.
    """
    try:
        return decode(path, MAX_PIXELS)
    except (PhotoError, OSError) as error:
        raise InputError(f"not a readable picture: {error}", str(path), "docent run --verify") from None


def fitted(processor: Any, image: Image.Image) -> Image.Image:
    """Pad the photo to a square if the processor would stretch it to one, and resize it to the processor's size.

    The processor resizes with the same function; resizing here avoids its numpy copies of a large photo.
    """
    settings = processor.image_processor
    side = settings.size.get("longest_edge")
    if side is None or side != settings.size.get("shortest_edge"):
        return image.convert("RGB")
    whole = square(image)
    # The processor rounds odd sides up.
    return whole.resize((side, side), settings.resample) if settings.do_resize and not side % 2 else whole


def _user(processor: Any, question: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": as_text(processor, question)}]}
