"""Convert JSON schemas of pydantic models to the form that endpoints enforce.

Strict mode, as documented by OpenAI and Azure, supports a subset of JSON Schema: every object closed, every property
required, no defaults, `anyOf` instead of `oneOf`, nothing next to a `$ref`, and limits (`minItems`, `pattern`, ...)
only in some places. Limits are therefore stated in the description instead; pydantic checks them in the reply anyway.
Reads and writes nothing.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

_KEPT = ("type", "enum", "const")
_OF_NAMES = ("properties", "$defs")
_OF_LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf", "prefixItems": "prefixItems"}
_LIMITS = (
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
_TELLS_THE_TYPE = {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"}


@cache
def strict_form(schema: type[BaseModel]) -> tuple[dict[str, Any], bool]:
    """Return the JSON schema of a model, and whether strict mode supports it.

    Strict mode does not support fields with any value, any keys or a list of fixed length. The returned schema is
    shared: never modify it.
    """
    form = _strict(schema.model_json_schema(by_alias=True))
    if "$ref" in form:  # a model that contains itself; endpoints require an object at the top
        form = {**form["$defs"][form["$ref"].rpartition("/")[2]], "$defs": form["$defs"]}
    is_definite = all(
        _TELLS_THE_TYPE & node.keys() and not node.get("additionalProperties") and "prefixItems" not in node
        for node in _nodes(form)
    )
    return form, is_definite


@cache
def holds_floats(schema: type[BaseModel]) -> bool:
    """Return whether an object of the model may hold a float, so that it could contain NaN or infinity."""
    return any(
        not _TELLS_THE_TYPE & node.keys() or node.get("type") == "number" or node.get("additionalProperties") is True
        for node in _nodes(schema.model_json_schema())
    )


@cache
def list_field(schema: type[BaseModel]) -> str | None:
    """Return the name of a model's only field if that is a list, otherwise None."""
    form = schema.model_json_schema(by_alias=True)
    fields = list(form.get("properties", {}).items())
    return fields[0][0] if len(fields) == 1 and fields[0][1].get("type") == "array" else None


def _strict(node: dict[str, Any]) -> dict[str, Any]:
    """Convert one node of a schema and all nodes below it."""
    if "$ref" in node:
        below = {"$defs": _below(node["$defs"])} if "$defs" in node else {}
        return {"$ref": node["$ref"], **below}
    strict = {key: node[key] for key in _KEPT if key in node}
    limits = [f"{key}: {node[key]}" for key in _LIMITS if key in node]
    description = [node.get("description"), f"({', '.join(limits)})" if limits else ""]
    if any(description):
        strict["description"] = " ".join(filter(None, description))
    strict |= {key: _below(node[key]) for key in _OF_NAMES if key in node}
    strict |= {name: [_strict(child) for child in node[key]] for key, name in _OF_LISTS.items() if key in node}
    if isinstance(node.get("items"), dict):
        strict["items"] = _strict(node["items"])
    return {**strict, **_closed(node)}


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that close an object: no further properties, unless it is a dict without any."""
    if "properties" in node:
        return {"required": list(node["properties"]), "additionalProperties": False}
    if node.get("type") != "object":
        return {}
    others = node.get("additionalProperties")
    return {"additionalProperties": _strict(others) if isinstance(others, dict) else True}


def _below(named: dict[str, Any]) -> dict[str, Any]:
    return {name: _strict(child) for name, child in named.items()}


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node and all nodes below it."""
    yield node
    children = [child for key in _OF_NAMES for child in node.get(key, {}).values()]
    children += [child for key in _OF_LISTS for child in node.get(key, [])]
    children += [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
    for child in children:
        yield from _nodes(child)
