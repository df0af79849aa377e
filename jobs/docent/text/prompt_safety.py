"""Make the text of a document safe for a prompt: without hidden characters, and unable to close its frame.

Text for teachers passes through `as_material`, and replies through `restored`, so that a text about markup keeps its
`<image>`; text for data sets passes only through `visible`. Hidden instructions are written with tag characters and
variation selectors, which models read but people do not see (https://unicode.org/reports/tr36/, section 3). Chat
templates put tokens such as `<|im_end|>` between turns, and many servers also accept them inside a text. docent's own
prompts put document text between tags such as `<section>`. Reads and writes no files.
"""

import re
import unicodedata
from dataclasses import dataclass

ZWNJ, ZWJ = "\u200c", "\u200d"
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\U0001d173-\U0001d17a\U0001bca0-\U0001bca3]"
)
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
"""Flags of parts of countries, such as England, Scotland and Wales."""
# Scripts in which joiners change how letters are written: Arabic to Mandaic, the Indic scripts, Tibetan, Myanmar,
# Khmer, Mongolian and similar scripts, presentation forms of Arabic, and later Indic scripts.
_JOINING = (
    (0x0600, 0x08FF), (0x0900, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0x1A20, 0x1AAF), (0x1B00, 0x1C4F),
    (0xA800, 0xABFF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE), (0x10D00, 0x11FFF),
)  # fmt: skip
_MONGOLIAN = (0x1820, 0x18AA)

# Tokens of chat templates and processors: most match by their form; those that look like markup are listed by name.
TOKEN_NAMES = (
    "image|video|audio|img|/img|IMG_CONTEXT|image_soft_token|start_of_image|end_of_image|fake_token_around_image|"
    r"global-img|row_\d{1,2}_col_\d{1,2}|end_of_utterance|start_of_turn|end_of_turn|start_of_role|end_of_role|"
    "end_of_text|begin_of_text|tool_call|/tool_call|tool_response|/tool_response|think|/think|"
    "s|/s|pad|unk|bos|eos|mask|cls|sep|endoftext"
)
BRACKETED = r"/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|IMG_BREAK|IMG_END)"
FRAME = (
    "document", "section", "second_section", "related_section", "fact", "figures", "dialogue", "exhibit", "description",
    "caption", "text",
)  # fmt: skip
"""Tags that docent's prompts put around text from documents."""
_TAGGED = rf"[|｜][^<>|｜\n]{{1,60}}[|｜]>|(?:{TOKEN_NAMES})\s{{0,9}}>|</?SYS>>|\s*+(?:/\s*+)?(?:{'|'.join(FRAME)})\b"
_TOKEN = re.compile(rf"<(?={_TAGGED})|\[(?={BRACKETED}\])", re.IGNORECASE)
_NEUTRAL = re.compile(rf"＜(?={_TAGGED})|［(?={BRACKETED}\])", re.IGNORECASE)
_WIDE = {"<": "＜", "[": "［"}
_NARROW = {wide: narrow for narrow, wide in _WIDE.items()}


@dataclass(frozen=True)
class Hidden:
    """Number of hidden characters and prompt tokens in a text.

    Attributes:
        invisible: characters that `visible` removes.
        tokens: tokens of chat templates, and tags of docent's prompts.
    """

    invisible: int
    tokens: int


def visible(text: str) -> str:
    r"""Return the text without invisible characters, and with `\n` for all kinds of line breaks.

    Kept are joiners inside emoji and after letters of scripts that are written with them, variation selectors after
    characters that have variants, and tag characters in flags.
    """
    if not _SUSPECT.search(text):
        return text
    text = _BREAKS.sub("\n", text)
    flags = {position for flag in _FLAG.finditer(text) for position in range(flag.start() + 1, flag.end())}
    kept: list[str] = []
    for position, character in enumerate(text):
        after = text[position + 1 : position + 2]
        if position in flags or not _SUSPECT.match(character) or _is_meant(character, kept[-1] if kept else "", after):
            kept.append(character)
    return "".join(kept)


def as_material(text: str) -> str:
    """Return the text in a form safe for a prompt: visible characters only; tokens and tags get a wide bracket."""
    return _TOKEN.sub(lambda token: _WIDE[token[0]], visible(text))


def restored(text: str) -> str:
    """Return the reply of a teacher with the document's original tokens and tags."""
    return _NEUTRAL.sub(lambda token: _NARROW[token[0]], text)


def hidden_in(text: str) -> Hidden:
    """Return the number of changes that `visible` and `as_material` make, except to line breaks."""
    seen = visible(text)
    return Hidden(len(_BREAKS.sub("\n", text)) - len(seen), sum(1 for _ in _TOKEN.finditer(seen)))


def _is_meant(character: str, before: str, after: str) -> bool:
    """Return whether an invisible character changes the shape of its neighbours."""
    if not before:
        return False
    code, base = ord(character), ord(before)
    if character in (ZWNJ, ZWJ):
        joins = any(first <= base <= last for first, last in _JOINING) and not _SUSPECT.match(before)
        return joins or (character == ZWJ and _is_pictorial(before) and bool(after) and _is_pictorial(after))
    if 0xFE00 <= code <= 0xFE0F:
        emoji = code >= 0xFE0E and before in "0123456789#*"
        return emoji or unicodedata.category(before) in ("So", "Sm", "Po", "Pd", "Sk") or _is_ideograph(before)
    if 0xE0100 <= code <= 0xE01EF:
        return _is_ideograph(before)
    if 0x180B <= code <= 0x180F:
        return _MONGOLIAN[0] <= base <= _MONGOLIAN[1]
    return False


def _is_pictorial(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Sm", "Po") or character == "\ufe0f"


def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK ")
