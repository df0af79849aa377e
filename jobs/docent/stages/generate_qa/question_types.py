"""Load the question types of a run, and the phrases of their prompts in each language.

Reads question_types.yaml and templates/ next to this module; writes nothing. An unknown type or language is reported
before any request is sent.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from docent.config.questions import QuestionType
from docent.config.stages import GenerateQA
from docent.errors import ConfigError
from docent.resources import read_yaml as read_yaml_of
from docent.text.languages import Language, find_language

VISITOR = "visitor"
FALLBACK = "en"
"""Language whose phrases are used for languages without a template file."""
WHERE = "generate_qa.types"
read_yaml = partial(read_yaml_of, __package__)
"""Read one of the YAML files next to this module."""


@dataclass(frozen=True)
class Wording:
    """The phrases of prompts in one language.

    Attributes:
        line: tells the teacher which language to write in, in that language.
        styles: instruction for each style, by the style's name.
        pronouns: instruction for the second step of a conversation.
    """

    line: str
    styles: Mapping[str, str]
    pronouns: str


@cache
def question_types() -> dict[str, dict[str, QuestionType]]:
    """Return docent's own types in the groups `all` and `styles`, each by name in the order of the file."""
    styles = wording(FALLBACK).styles
    types: dict[str, dict[str, QuestionType]] = {}
    for group, entries in read_yaml("question_types.yaml").items():
        types[group] = {
            name: QuestionType.model_validate({"name": name, "instruction": styles.get(name), **entry})
            for name, entry in entries.items()
        }
    return types


def chosen_types(section: GenerateQA) -> tuple[QuestionType, ...]:
    """Return the types that the configuration names, without repeats and with their quotas.

    Raises:
        ConfigError: a name is unknown or taken, or a quota is out of range.
    """
    groups = {group: list(types) for group, types in question_types().items()}
    known = _known(section)
    names: list[str] = []
    for name in section.types:
        if name not in groups and name not in known:
            raise _unknown(name, WHERE, [*groups, *known])
        names += groups.get(name, [name])
    for name, quota in section.quotas.items():
        if name not in known or name == VISITOR:
            raise _unknown(name, "generate_qa.quotas", [other for other in known if other != VISITOR])
        if not 1 <= quota <= 20:
            raise ConfigError(
                f"a quota must be 1 to 20 pairs, not {quota}", f"generate_qa.quotas.{name}", "fix it, or omit the type"
            )
    chosen = (known[name] for name in dict.fromkeys(names))
    return tuple(kind.model_copy(update={"quota": section.quotas.get(kind.name, kind.quota)}) for kind in chosen)


def language_of(given: str, section: GenerateQA, where: str = "generate_qa.language") -> Language:
    """Return the language to write in: the source's language if `given`, or else the configured one.

    Raises:
        ConfigError: the language is unknown.
    """
    return find_language(given or section.language, where)


@cache
def wording(code: str) -> Wording:
    """Return the phrases of prompts in a language.

    Raises:
        FileNotFoundError: a language of text/languages.yaml has neither a template file nor a line in lines.yaml.
    """
    lines = read_yaml("templates/lines.yaml")
    template = read_yaml(f"templates/{FALLBACK if code in lines else code}.yaml")
    styles = {name: text for name, text in template.items() if name not in ("line", "pronouns")}
    return Wording(lines.get(code, template["line"]), styles, template["pronouns"])


def instruction_of(kind: QuestionType, language: Language) -> str:
    """Return the instruction for the teacher; for a style, it is in the given language if there is a translation."""
    is_style = kind == question_types()["styles"].get(kind.name, kind).model_copy(update={"quota": kind.quota})
    own = wording(language.code).styles.get(kind.name) if is_style else None
    return own or kind.instruction


def _known(section: GenerateQA) -> dict[str, QuestionType]:
    """Return every type that the configuration may name; the visitor type comes first."""
    visitor = QuestionType(name=VISITOR, quota=section.pairs_per_call, related=False, instruction="see visitor.yaml")
    known = {VISITOR: visitor, **{name: kind for types in question_types().values() for name, kind in types.items()}}
    for kind in section.own_types:
        if kind.name in known or kind.name in question_types():
            raise ConfigError(f"question type {kind.name!r} already exists", "generate_qa.own_types", "rename it")
        known[kind.name] = kind
    return known


def _unknown(name: str, where: str, names: Sequence[str]) -> ConfigError:
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return ConfigError(f"unknown question type {name!r}{meant}", where, f"use one of: {', '.join(names)}")
