"""Check before a run begins that generate-qa can ask for everything that is configured.

Reads the configuration and, for a teacher that does not translate, the beginnings of the sources' texts; writes
nothing.
"""

from __future__ import annotations

from docent.config import PipelineConfig
from docent.stages.generate_qa.own_language import check_named, does_not_translate, own_languages, said_of
from docent.stages.generate_qa.question_types import chosen_types, language_of
from docent.stages.generate_qa.source_texts import texts_of


def check(config: PipelineConfig) -> list[str]:
    """Check question types, quotas and languages, those of the sources included.

    Returns:
        What a person should know before the run: which languages are asked in, where that is not the configured one.

    Raises:
        ConfigError: a type, quota or language is unknown or taken, or the teacher does not write it.
    """
    section = config.generate_qa
    if section is None:
        return []
    chosen_types(section)
    language_of("", section)
    texts: dict[str, str] = {}
    unread = False
    for number, source in enumerate(config.ingest.sources if config.ingest else ()):
        where = f"ingest.sources.{number}.language"
        language_of(source.language, section, where)
        if does_not_translate(config) and source.language:
            check_named(source.language, where)
        elif does_not_translate(config):
            found = texts_of(source)
            unread = unread or not found
            texts |= found
    if not texts:
        if unread:
            check_named(section.language, "generate_qa.language")
        return []
    line = said_of(own_languages(texts, section.language).counts, section.language)
    return [line] if line else []
