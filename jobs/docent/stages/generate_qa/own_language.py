"""Choose the language of questions for a teacher that does not translate: the language of the text.

The offline teacher's answers are sentences of the text, so they are in the text's language. If a source names its
language, that one is used. `generate_qa.language` applies only if a text is too short for detection; its default,
English, does not count as a request for English. Reads and writes nothing. docs/questions.md describes the rule.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from docent.config import PipelineConfig
from docent.config.stages import GenerateQA
from docent.errors import ConfigError
from docent.records import Item
from docent.teacher.source.words import LANGUAGES
from docent.text.detection import MAX_CHARS, UNKNOWN, language_of_text
from docent.text.languages import find_language, languages

DEFAULT = "en"
_WHERE = "generate_qa.language"
_MODEL = "use a language model: set llm.provider: openai, llm.base_url and llm.model"


def does_not_translate(config: PipelineConfig) -> bool:
    """Return whether the teacher can write questions only in the language of the text."""
    return config.llm.provider == "offline"


def own_languages(texts: Mapping[str, str], configured: str) -> tuple[dict[str, str], Counter[str]]:
    """Return the language of the questions about each text, and the number of texts in each language.

    A text whose language is unclear is not counted; its questions are in the language of most other texts, or else in
    the configured one.

    Args:
        texts: texts by any key, without texts whose source names a language.
        configured: name or code from `generate_qa.language`.

    Raises:
        ConfigError: no text is in a language that the teacher writes, or the configured language is not the
            default and no text is in it.
    """
    found = {key: language_of_text(text) for key, text in texts.items()}
    counts = Counter(code for code in found.values() if code)
    if not counts and (code := language_of_text("\n".join(texts.values()))):
        counts[code] = len(found)  # each text is too short, but together they are long enough
    wanted = find_language(configured, _WHERE).code
    _check(counts, wanted)
    usual = counts.most_common(1)[0][0] if counts and wanted not in counts else wanted
    return {key: code or usual for key, code in found.items()}, counts


def _check(counts: Mapping[str, int], wanted: str) -> None:
    named = _listed(counts)
    if counts and not any(code in LANGUAGES for code in counts):
        known = ", ".join(LANGUAGES.values())
        raise ConfigError(
            f"the offline teacher does not translate: it writes {known}, but the texts are in {named}", _WHERE, _MODEL
        )
    if not counts and wanted not in LANGUAGES:
        check_named(wanted, _WHERE)
    if counts and wanted not in counts and wanted != DEFAULT:
        code = max(counts, key=lambda code: counts[code])
        raise ConfigError(
            f"the offline teacher does not translate: the texts are in {named}, not in {languages()[wanted].name}",
            _WHERE,
            f"--set generate_qa.language={name_of(code).replace(' ', '')}, or {_MODEL}",
        )


def check_named(language: str, where: str) -> None:
    """Check that the offline teacher writes a language, given its name or code.

    Raises:
        ConfigError: the teacher does not write it.
    """
    found = find_language(language, where)
    if found.code not in LANGUAGES:
        known = ", ".join(LANGUAGES.values())
        raise ConfigError(f"the offline teacher writes {known}, but not {found.name}", where, _MODEL)


def with_own_language(items: Sequence[Item], config: PipelineConfig) -> tuple[list[Item], Counter[str]]:
    """Return the items with the language of their questions, and the number of texts in each language.

    If the teacher translates, the items are unchanged and no text is counted.

    Raises:
        ConfigError: see `own_languages`.
    """
    texts: dict[str, str] = {}
    if does_not_translate(config):
        for item in items:
            if not item.language and len(texts.get(item.document_id, "")) < MAX_CHARS:
                texts[item.document_id] = f"{texts.get(item.document_id, '')}\n{item.text[:MAX_CHARS]}"
    if not texts:
        return list(items), Counter()
    codes, counts = own_languages(texts, (config.generate_qa or GenerateQA()).language)
    kept = {key: code for key, code in codes.items() if code != UNKNOWN}
    return [_with_language(item, kept) for item in items], counts


def language_notice(counts: Mapping[str, int], configured: str) -> str:
    """Return a message if questions about some texts are not in the configured language, or else ""."""
    own = find_language(configured, _WHERE)
    if not counts or set(counts) == {own.code}:
        return ""
    left_out = [code for code in counts if code not in LANGUAGES]
    line = f"the offline teacher writes questions in the language of each text: {_listed(counts)}"
    return f"{line}; it does not write {', '.join(sorted(map(name_of, left_out)))}" if left_out else line


def name_of(code: str) -> str:
    """Return a language's English name, or a description if text/languages.yaml does not list the language."""
    if code in languages():
        return languages()[code].name
    return "an unknown language" if code == UNKNOWN else f"the language {code!r}"


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{name_of(code)} ({number})" for code, number in ordered)


def _with_language(item: Item, codes: Mapping[str, str]) -> Item:
    code = "" if item.language else codes.get(item.document_id, "")
    return item.model_copy(update={"language": code}) if code else item
