"""Look up languages by their many names: `Korean`, `ko`, `ko-KR` and `kr` are all `ko`.

Reads languages.yaml in this folder. An unknown language is an error before any work starts.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from docent.errors import ConfigError
from docent.resources import read_yaml


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        code: two letters, ISO 639-1.
        name: English name, as used in prompts.
        aliases: other names; case is ignored.
        true, false: words that begin the answer to a true-or-false question.
    """

    code: str
    name: str
    aliases: Sequence[str]
    true: str
    false: str


@cache
def languages() -> Mapping[str, Language]:
    """Return all known languages by code."""
    rows = read_yaml(__package__, "languages.yaml").items()
    return {code: Language(code, **row | {"aliases": tuple(row["aliases"])}) for code, row in rows}


def find_language(given: str, where: str) -> Language:
    """Return the language for a name, a code, a code with a region, or an alias.

    Args:
        where: the setting or file with this value, for the message.

    Raises:
        ConfigError: the language is unknown; the message lists all languages.
    """
    wanted = " ".join(given.split()).casefold()
    known = languages()
    names = {name.casefold(): one.code for one in known.values() for name in (one.code, one.name, *one.aliases)}
    code = names.get(wanted) or names.get(wanted.replace("_", "-").partition("-")[0])
    if code is not None:
        return known[code]
    near = difflib.get_close_matches(wanted, [name for name in names if len(name) > 3], n=1)
    meant = f", did you mean {known[names[near[0]]].name}?" if near else ""
    listed = ", ".join(f"{language.name} ({language.code})" for language in known.values())
    raise ConfigError(f"unknown language {given!r}{meant}", where, f"use one of: {listed}")


def truth_of(answer: str, language: Language) -> bool | None:
    """Return whether an answer begins with the word for true or for false, or None for neither."""
    beginning = answer.lstrip(" *_\"'“„«").casefold()
    if beginning.startswith(language.false.casefold()):
        return False
    return True if beginning.startswith(language.true.casefold()) else None
