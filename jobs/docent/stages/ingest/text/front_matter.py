"""Read the front matter of a Markdown document: YAML between two `---` at the start of the file, or TOML between `+++`.

The block ends only at a line that consists of the delimiter, so a title may contain `---`. Reads and writes no files.
"""

import logging
import re
import tomllib
from typing import Any

import yaml

from docent.messages.printing import printable
from docent.text.encodings.surrogates import without_surrogates

log = logging.getLogger("docent.ingest")

MAX_CHARS = 64_000
MAX_VALUE_CHARS = 2000
EXPECTED = ("title", "description")
_CLOSINGS = {
    "---": re.compile(r"^(?:---|\.\.\.)[^\S\n]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[^\S\n]*$", re.MULTILINE),
}


class _Loader(yaml.BaseLoader):
    """Loads scalars as written (`007` stays `007`), and refuses aliases, which can expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


def read_front_matter(text: str, where: str) -> tuple[dict[str, str], int]:
    r"""Return the scalars of the front matter as text, and the offset in `text` at which the document continues.

    Invalid YAML is skipped with a warning; missing fields are warned about. Prose between two horizontal rules is not
    front matter: that must begin on the line after its delimiter, and be a mapping.

    Args:
        text: the complete file, with `\n` as line breaks.
        where: name of the file, for warnings.
    """
    block = _between_delimiters(text)
    if block is None:
        log.warning("%s: no front matter, so no title or description", where)
        return {}, 0
    start, end, following = block
    written = text[start:end]
    if text.startswith("+"):
        return _toml(written, following, where)
    try:
        parsed = yaml.load(written, _Loader)  # noqa: S506 - a BaseLoader, which makes text, lists and mappings only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if not written.partition("\n")[0].strip():
            return {}, 0
        log.warning("%s: skipped invalid front matter: %s", where, _first_line(error))
        return {}, following
    if not isinstance(parsed, dict) and written.strip():
        log.warning("%s: no front matter: the text between the first two `---` lines is not a YAML mapping", where)
        return {}, 0
    return _scalars(parsed or {}, where), following


def _toml(written: str, following: int, where: str) -> tuple[dict[str, str], int]:
    try:
        parsed = tomllib.loads(written, parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        log.warning("%s: front matter is not valid TOML, kept as text: %s", where, error)
        return {}, 0
    texts = {name: [_written(one) for one in v] if isinstance(v, list) else _written(v) for name, v in parsed.items()}
    return _scalars(texts, where), following


def _written(value: Any) -> Any:
    """Return a TOML scalar as text; return tables and lists unchanged."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | dict | list) else str(value)


def _between_delimiters(text: str) -> tuple[int, int, int] | None:
    """Return start and end of the block and the offset of the text after it, or None if no line closes it."""
    opening, broken, _ = text[:103].partition("\n")
    pattern, start = _CLOSINGS.get(opening.rstrip()), len(opening) + 1
    closing = pattern.search(text, start) if pattern and broken else None
    if closing is None or closing.start() - start > MAX_CHARS:
        return None
    return start, closing.start(), min(closing.end() + 1, len(text))


def _scalars(mapping: dict[Any, Any], where: str) -> dict[str, str]:
    """Return scalars, and lists of scalars joined by commas; skip nested values with a warning."""
    meta: dict[str, str] = {}
    deeper: list[str] = []
    for name, value in mapping.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ", ".join(value)  # noqa: PLW2901
        if isinstance(name, str) and isinstance(value, str) and value.strip():
            meta[without_surrogates(name)] = " ".join(without_surrogates(value).split())[:MAX_VALUE_CHARS]
        elif not isinstance(value, str):
            deeper.append(printable(str(name), 40))
    if deeper:
        log.warning("%s: front matter: skipped nested values: %s", where, ", ".join(deeper))
    if missing := [name for name in EXPECTED if not meta.get(name)]:
        log.warning("%s: front matter has no %s", where, " or ".join(missing))
    return meta


def _first_line(error: BaseException) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0] or type(error).__name__
    # + 2: marks count from 0, and the delimiter is the file's first line.
    return f"{problem}, line {mark.line + 2}" if mark else problem
