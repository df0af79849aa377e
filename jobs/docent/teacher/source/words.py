"""Load the language data of the offline teacher: wordings of questions, and word lists that classify sentences.

Reads the files of data/ in the package; writes nothing.
"""

import re
import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from docent.errors import ConfigError
from docent.resources import read_yaml
from docent.text.languages import languages

LANGUAGES = {code: languages()[code].name for code in ("en", "ko", "ja", "de", "fr", "es", "zh")}
"""Languages of typed questions, by code."""
UNSPACED = ("ja", "zh")
_SLOT = re.compile(r"\{(\w+)(?:\|(.)(.))?\}")
_HANGUL = range(0xAC00, 0xD7A4)
_CLOSED_SIGNS = "013678LMNR"
"""Digits and capitals whose Korean names end in a consonant."""


@dataclass(frozen=True)
class Words:
    """Wordings and word lists of one language."""

    code: str
    frames: dict[str, Any]
    lists: dict[str, Any]

    @cached_property
    def stop(self) -> frozenset[str]:
        """Return words that cannot begin or end a topic."""
        return frozenset(self.lists["stop"].split())

    def finds(self, name: str, text: str) -> re.Match[str] | None:
        """Return the first match of the pattern `<name>_re` in a text."""
        pattern = self.lists.get(f"{name}_re")
        return re.search(pattern, text, re.IGNORECASE) if pattern else None

    def leans(self, sentence: str) -> bool:
        """Check whether a sentence refers to the one before it."""
        if self.finds("dependent", sentence):
            return True
        first = re.match(r"[\"“(]?([^\W_]+)", sentence)
        return first is not None and first[1].lower() in self.lists.get("dependent", "").split()

    def joined(self, sentences: list[str]) -> str:
        """Join sentences as the language writes them."""
        return ("" if self.code in UNSPACED else " ").join(part for part in sentences if part)

    def quoted(self, text: str) -> str:
        """Return a text in the quotation marks of the language, without inner marks that would close them."""
        left, right = self.frames["quotes"]
        inner = re.sub(rf"{left}[\u00a0 ]?|[\u00a0 ]?{right}", "'", text).strip()
        space = "\u00a0" if self.code == "fr" else ""
        return f"{left}{space}{inner}{space}{right}"

    def frame(self, key: str, variety: str = "", **slots: str) -> str:
        """Return a wording with its slots filled; `variety` and the slots choose one of several wordings."""
        wording: str | list[str] = self.frames[key]
        if isinstance(wording, list):
            wording = wording[zlib.crc32(f"{variety}{sorted(slots.items())}".encode()) % len(wording)]

        def filled(slot: re.Match[str]) -> str:
            value = slots[slot[1]]
            return value + (particle(value, slot[2], slot[3]) if slot[2] else "")

        return _SLOT.sub(filled, wording)


def particle(word: str, closed: str, open_: str) -> str:
    """Return the Korean particle after a word: the first form after a consonant, both if that is unknown."""
    last = word.rstrip("\"'”’」』)")[-1:]
    if last.isdigit() or last.isupper():
        return closed if last in _CLOSED_SIGNS else open_
    if not last or ord(last) not in _HANGUL:
        return f"{closed}({open_})"
    return closed if (ord(last) - _HANGUL.start) % 28 else open_


@cache
def words_of_language(code: str) -> Words:
    """Return the wordings and word lists of a language.

    Raises:
        ConfigError: there are none for this language.
    """
    if code not in LANGUAGES:
        known = ", ".join(f"{name} ({short})" for short, name in LANGUAGES.items())
        raise ConfigError(
            f"the offline teacher does not support documents in the language {code!r}, only {known}",
            "generate_qa.language",
            "set it to one of these languages, or set llm.provider to openai",
        )
    return Words(code, data_file("questions.yaml")[code], data_file("words.yaml")[code])


def data_file(name: str) -> Any:
    """Return the parsed contents of a file of data/."""
    return read_yaml("docent.teacher", f"data/{name}")


def table(name: str) -> Any:
    """Return a table of languages.yaml, by language code."""
    return data_file("languages.yaml")[name]


def regexes(name: str) -> dict[str, re.Pattern[str]]:
    """Return the regular expressions of a table of languages.yaml, by language code."""
    return {code: re.compile(pattern) for code, pattern in table(name).items()}


ENGLISH: dict[str, Any] = data_file("english.yaml")
"""English words and regular expressions."""
COLUMNS: dict[str, Any] = data_file("columns.yaml")
"""Names of table columns in languages other than English."""
