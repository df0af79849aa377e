"""Check before a run that generate-qa can ask every question that is configured.

Reads the configuration and, if the teacher does not translate, the beginnings of the sources' texts; writes nothing.
"""

from docent.config import PipelineConfig
from docent.stages.generate_qa.own_language import check_named, does_not_translate, language_notice, own_languages
from docent.stages.generate_qa.question_types import chosen_types, language_of
from docent.stages.generate_qa.source_texts import texts_of


def check(config: PipelineConfig) -> list[str]:
    """Check question types, quotas and languages, including the languages of the sources.

    Returns:
        Messages to show before the run: the languages of the questions, if they differ from the configured one.

    Raises:
        ConfigError: a type, quota or language is unknown, a type's name is taken, or the teacher cannot write a
            language.
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
    line = language_notice(own_languages(texts, section.language)[1], section.language)
    return [line] if line else []
