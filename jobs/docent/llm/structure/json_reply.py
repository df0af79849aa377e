"""Parse a model's reply as an object of a schema: JSON, or text that can be read as JSON without guessing.

A reply is untrusted text: it may have fences, prose, thoughts, control characters, broken or endless JSON. `read_reply`
returns an object, or a short reason why there is none. Reads and writes nothing.
"""

import contextlib
import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from docent.llm.structure.json_escapes import with_latex
from docent.llm.structure.json_schema import holds_floats, list_field
from docent.llm.wire.thoughts import without_thoughts

MAX_CHARS = 1_000_000
"""No chat model replies with a longer text; pydantic's errors for millions of wrong fields would take gigabytes."""
MAX_REPAIR_CHARS = 16_000
"""Five pairs are shorter; json-repair takes quadratic time for the worst texts, up to a few seconds at this length."""
MAX_OBJECTS = 16
MAX_PROBLEM_CHARS = 300
A_LIST = "a list in place of an object"
_LIST_BEGINS = re.compile(r"\[\s*\{")
_OBJECT_BEGINS = re.compile(r'\{\s*["}]')
_DECODER = json.JSONDecoder(strict=False)  # a line break inside a string does no harm
_NO_WORD = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|[\W_]')
_NOT_JSON = ("json_invalid", "string_unicode")
_AFTER_THE_END = '\n"\a":"\a"'


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """The result of parsing a reply.

    Attributes:
        value: an object of the schema, or None.
        problem: why there is none, short and in one line, or "" if there is one.
        repaired: whether the text was not valid JSON and had to be fixed.
    """

    value: BaseModel | None
    problem: str = ""
    repaired: bool = False


def read_reply(text: str, schema: type[BaseModel]) -> ParsedReply:
    """Parse an object of the schema from a reply, which may contain other text.

    Plain JSON is parsed directly. Otherwise the outermost object is searched between fences, prose and thoughts. If it
    is broken, json-repair may fix it under three conditions: it fits the schema, no content was dropped or added, and
    it was closed, because an object that is not closed was cut off. Single backslashes of LaTeX are doubled. If the
    schema consists of a single list, a bare list is accepted in place of the object. Types are strict as far as JSON
    has them; numbers are finite; of repeated keys the last one counts.
    """
    if len(text) > MAX_CHARS:
        return ParsedReply(None, f"{len(text)} characters, more than any reply")
    if text.lstrip()[:1] not in ("{", "["):  # else a thought marker may be part of a string
        text = without_thoughts(text)
    escaped, doubtful = with_latex(text)
    if doubtful:
        return ParsedReply(None, f"{doubtful} may be LaTeX or a line break: double the backslash of LaTeX in JSON")
    reading = _read(escaped, schema)
    if escaped != text and reading.value is not None and not reading.repaired:
        as_it_was = _read(text, schema)
        return replace(reading, repaired=as_it_was.repaired or as_it_was.value != reading.value)
    return reading


def _read(text: str, schema: type[BaseModel]) -> ParsedReply:
    reading = _validated(text, schema)
    if reading is not None and not text.lstrip().startswith("["):
        return reading
    text = without_thoughts(text)
    if not text.strip():
        return ParsedReply(None, "an empty reply")
    return _in_list(text, schema) or _found_within(text, schema)


def _in_list(text: str, schema: type[BaseModel]) -> ParsedReply | None:
    """Parse a list of objects in place of the object around it; return None if there is no such list.

    It is taken as the schema's only list, unless it contains the complete object itself.
    """
    begin = _LIST_BEGINS.search(text)
    if begin is None or "{" in text[: begin.start()]:
        return None
    try:
        found, end = _DECODER.raw_decode(text, begin.start())
        again = json.dumps({list_field(schema): found})
    except (ValueError, RecursionError):
        return ParsedReply(None, f"{A_LIST}, which is broken or breaks off")
    if "{" in text[end:]:
        return None
    within = _found_within(text[begin.start() : end], schema)
    if within.value is not None:
        return within
    reading = _validated(again, schema, repaired=True)
    if reading is None or reading.value is None:
        return ParsedReply(None, A_LIST if reading is None else f"{A_LIST}; {reading.problem}")
    return reading


def _is_list(text: str) -> bool:
    """Return whether a text begins with a JSON list."""
    try:
        return isinstance(_DECODER.raw_decode(text.lstrip())[0], list)
    except (ValueError, RecursionError):
        return False


def _found_within(text: str, schema: type[BaseModel]) -> ParsedReply:
    """Parse the only object in a text that fits the schema; several ones, or a broken one after it, are ambiguous."""
    fitting: list[ParsedReply] = []
    problem, at = "", 0
    for _ in range(MAX_OBJECTS):
        begin = _OBJECT_BEGINS.search(text, at)
        if begin is None:
            break
        try:
            found, at = _DECODER.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            if fitting:
                return ParsedReply(None, "a second, broken object")
            return _repaired(text[begin.start() :], schema)
        reading = _fitted(text[begin.start() : at], found, schema)
        problem = problem or reading.problem
        if reading.value is not None and all(reading.value != other.value for other in fitting):
            fitting.append(reading)
    else:
        return ParsedReply(None, f"{MAX_OBJECTS} objects or more where one was asked for")
    if not fitting and not problem and _is_list(text):
        return ParsedReply(None, A_LIST)
    if not fitting and not problem:
        return _repaired(text[text.find("{") :], schema) if "{" in text else ParsedReply(None, "no JSON object in it")
    return fitting[0] if len(fitting) == 1 else ParsedReply(None, "several different objects" if fitting else problem)


def _fitted(text: str, parsed: Any, schema: type[BaseModel]) -> ParsedReply:
    """Validate a parsed object from its own text or, if only Python accepts that text, from a dump of the object."""
    if reading := _validated(text, schema):
        return reading
    with contextlib.suppress(RecursionError):
        reading = _validated(json.dumps(parsed), schema, repaired=True)
    return reading if reading and reading.value else ParsedReply(None, "an object that no strict reader takes for JSON")


def _repaired(text: str, schema: type[BaseModel]) -> ParsedReply:
    """Parse a broken object with json-repair, and reject it unless its content is exactly that of the text."""
    text = text[: text.rfind("}") + 1]
    if not text:
        return ParsedReply(None, "JSON that breaks off")
    if len(text) > MAX_REPAIR_CHARS:
        return ParsedReply(None, "broken JSON, too long to be fixed")
    repaired_object = _closed_object(text)
    if repaired_object is None:
        return ParsedReply(None, "JSON that breaks off, or cannot be fixed")
    again = json.dumps(repaired_object, ensure_ascii=False)
    if _words(text) != _words(again):
        return ParsedReply(None, "broken JSON of which a part would be lost")
    reading = _validated(again, schema, repaired=True)
    if reading is None or reading.value is None:
        return ParsedReply(None, f"broken JSON; fixed, {reading.problem if reading else 'it is still not JSON'}")
    if reading.value.model_dump(mode="json", by_alias=True, exclude_unset=True) != repaired_object:
        return ParsedReply(None, "broken JSON; fixed, it has fields not asked for")
    return reading


def _closed_object(text: str) -> dict[str, Any] | None:
    """Return the object that json-repair reads in a text; None if there is none, or it was not closed.

    Text after a closed object cannot become part of it; after an open string, list or object it does.
    """
    from json_repair import loads

    try:
        repaired: Any = loads(text, skip_json_loads=True, strict=True)
        further: Any = loads(text + _AFTER_THE_END, skip_json_loads=True)
    except Exception:  # noqa: BLE001 - json-repair fails in many ways, also by its own assertions, and none may end a run
        return None
    closed = further == repaired or (isinstance(further, list) and further[:1] == [repaired])
    return repaired if closed and isinstance(repaired, dict) else None


def _words(text: str) -> str:
    """Return the letters and digits of a JSON text in order, without escapes."""
    return _NO_WORD.sub("", text).lower().replace("none", "null")


def _validated(text: str, schema: type[BaseModel], repaired: bool = False) -> ParsedReply | None:
    """Validate a text, which must not contain a number that JSON cannot represent; return None if it is not JSON."""
    try:
        value = schema.model_validate_json(text, strict=True)
    except ValidationError as error:
        is_json = error.error_count() > 1 or error.errors(include_url=False)[0]["type"] not in _NOT_JSON
        return ParsedReply(None, _described(error)) if is_json else None
    if holds_floats(schema) and not _all_finite(value.model_dump()):
        return ParsedReply(None, "a number that is infinite or none")
    return ParsedReply(value, "", repaired)


def _all_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_all_finite(child) for child in value.values())
    return not isinstance(value, list | tuple | set) or all(_all_finite(child) for child in value)


def _described(error: ValidationError) -> str:
    """Describe the first three validation errors, without the values, which may be long."""
    if error.error_count() > 100:
        return f"{error.error_count()} fields do not fit"
    first_errors = error.errors(include_url=False, include_context=False, include_input=False)[:3]
    return one_line("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in first_errors))


def one_line(text: str) -> str:
    """Return at most 300 printable characters in one line."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 10 * MAX_PROBLEM_CHARS])
    return " ".join(printable.split())[:MAX_PROBLEM_CHARS]
