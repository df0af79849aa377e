"""What stage generate-qa cannot ask for, said before a run begins. Reads the configuration; writes nothing."""

from __future__ import annotations

from docent.config import PipelineConfig
from docent.stages.generate_qa.question_types import chosen_types, language_of


def check(config: PipelineConfig) -> None:
    """Question types, quotas and languages, those of the sources included.

    Raises:
        ConfigError: one is unknown or taken.
    """
    section = config.generate_qa
    if section is None:
        return
    chosen_types(section)
    language_of("", section)
    for number, source in enumerate(config.ingest.sources if config.ingest else ()):
        language_of(source.language, section, f"ingest.sources.{number}.language")
