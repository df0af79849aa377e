"""Strip a model's thinking from its text, whichever markers surround it.

The opening marker is often missing, because it is part of the model's template; the closing one then ends the thoughts.
Reads and writes nothing.
"""

import re

from docent.resources import read_yaml

_MARKS: list[list[str]] = read_yaml(__package__, "thoughts.yaml")
_OPENS = tuple(re.compile(rf"^[ \t>*]*{re.escape(opening)}", re.IGNORECASE | re.MULTILINE) for opening, _ in _MARKS)
_CLOSES = re.compile("|".join(re.escape(closing) for _, closing in _MARKS), re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>[ \t]*(\w+)(?:[^<\n]|<\|constrain\|>){0,80}(?:<\|message\|>)?")
_BARE_CHANNELS = ("analysis", "commentary")
_BARE_FINAL = "assistantfinal"
"""How channels begin if a server has dropped the special tokens around their names."""
_FRAME = re.compile(r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE|return|end)\|>")


def without_thoughts(text: str) -> str:
    """Return the text after the last thoughts, or "" if they never end; a text without thoughts is unchanged."""
    if "<|channel|>" in text:
        return _final_channel(text)
    if _BARE_FINAL in text and text.lstrip().startswith(_BARE_CHANNELS):
        return text.rpartition(_BARE_FINAL)[2]
    rest = text
    for closing in _CLOSES.finditer(text):
        rest = text[closing.end() :]
    opened = [opening.start() for pattern in _OPENS if (opening := pattern.search(rest))]
    rest = rest[: min(opened)] if opened else rest
    return rest if rest is text else _FRAME.sub("", rest)


def _final_channel(text: str) -> str:
    """Return the last channel named final (the harmony format of gpt-oss), or "" if there is none."""
    final = ""
    for channel in _CHANNEL.finditer(text):
        if channel[1] == "final":
            final = text[channel.end() :]
    return _FRAME.split(final, maxsplit=1)[0]
