"""Write the YAML head of a data card, which the hub and `load_dataset` read: name, licence, languages, files."""

import json
import re

from docent.config.stages import BuildDataset
from docent.errors import ConfigError
from docent.records import SPLITS
from docent.stages.build_dataset.tally import Tally
from docent.text.languages import find_language

_LICENCE = re.compile(
    r"apache-2\.0|mit|isc|zlib|unlicense|other|unknown|wtfpl|0bsd|cc|cc0-1\.0|cc-by(?:-nc)?(?:-sa|-nd)?-[234]\.[05]|"
    r"bsd(?:-[23]-clause)?|mpl-2\.0|(?:a|l)?gpl(?:-[23]\.[01])?|epl-[12]\.0|eupl-1\.[12]|odbl|odc-by|pddl|gfdl|ofl-1\.1|"
    r"artistic-2\.0|bsl-1\.0|cdla-(?:permissive-[12]|sharing-1)\.0|openrail|etalab-2\.0"
)
"""The short licence names that the hub accepts."""


def head(tally: Tally, section: BuildDataset, identity: str = "") -> list[str]:
    """Return the lines of the head.

    Args:
        identity: text that distinguishes this data set from every other one. The cache of `load_dataset` only looks at
            the folder's name and at the head, and the data set folders of all runs are named `latest`.
    """
    pictures = any(tally.pictures.values())
    description = [f"  description: {json.dumps(f'docent {identity}')}"] if identity else []
    configs = ["configs:", "- config_name: default", *description, "  data_files:"]
    for split in SPLITS:
        if tally.of_split(split):
            configs += [f"  - split: {split}", f"    path: hf/{split}/*.arrow"]
    return [
        "---",
        f"pretty_name: {json.dumps(plain(section.name), ensure_ascii=False)}",
        f"license: {json.dumps(_licence(section.license), ensure_ascii=False)}",
        *_languages(tally),
        "task_categories:",
        f"- {'image-text-to-text' if pictures else 'question-answering'}",
        "tags:",
        "- synthetic",
        *configs,
        "---",
    ]


def _languages(tally: Tally) -> list[str]:
    """Return `language:` with the codes of all known languages."""
    codes = dict.fromkeys(code for name in tally.grouped(2) if (code := _code_of(name)))
    return ["language:", *(f"- {json.dumps(code)}" for code in codes)] if codes else []


def _code_of(language: str) -> str:
    try:
        return find_language(language, "").code
    except ConfigError:
        return ""  # visitors' questions may be in any language that a teacher knows


def _licence(name: str) -> str:
    """Return the licence in the hub's lower-case spelling if the hub accepts it, or else unchanged."""
    known = plain(name).lower()
    return known if _LICENCE.fullmatch(known) else plain(name)


def plain(text: str) -> str:
    """Return the text on a single line."""
    return " ".join(text.split())
