"""Look up the fields of the configuration by their dotted paths. Reads and writes nothing."""

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

ITEMS: dict[Any, str] = {tuple: "0.", dict: "default."}
"""Path components that stand for all items of a list or mapping."""


def dotted_names(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield every field of the model by its dotted path; item 0 or `default` stands for all items."""
    for name, field in model.model_fields.items():
        dotted = f"{before}{field.alias or name}"
        yield dotted
        if inner := next(_models_in(field.annotation), None):
            item = ITEMS.get(typing.get_origin(field.annotation), "")
            yield from dotted_names(inner, f"{dotted}.{item}")


def choices_at(model: type[BaseModel], path: Sequence[str]) -> tuple[str, ...]:
    """Return the allowed values of a field with a fixed set of values, or ()."""
    annotation = _annotation_at(model, path)
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


def kinds_at(model: type[BaseModel], path: Sequence[str]) -> set[Any]:
    """Return the types of the values of a field, such as str and None."""
    annotation = _annotation_at(model, path)
    return set(typing.get_args(annotation)) if _is_union(annotation) else {annotation}


def is_known(model: type[BaseModel], path: Sequence[str]) -> bool:
    """Return whether the configuration has a key with this path."""
    return _annotation_at(model, path) is not None


def unknown_key(path: Sequence[str], model: type[BaseModel], whole_path: bool = False) -> str:
    """Return the message about an unknown key: with a similar one of its section, or of the whole configuration.

    Args:
        whole_path: suggest a key with its whole path, as in --set.
    """
    depth = next(number for number in range(1, len(path) + 1) if not is_known(model, path[:number]))
    parent, key, rest = path[: depth - 1], path[depth - 1], path[depth:]
    above = _annotation_at(model, parent) if parent else model
    if _item_of(above) is not None:
        example = ".".join([*parent, "0", key, *rest])
        return f"`{'.'.join(parent)}` is a list; its entries are numbered from 0, such as `{example}`"
    section = None if _value_of(above) is not None else next(_models_in(above), None)  # a mapping takes any key
    inside = [field.alias or name for name, field in section.model_fields.items()] if section else []
    if not inside:
        return f"unknown key - `{'.'.join(parent)}` is a single value and has no keys"
    near = difflib.get_close_matches(key, inside, n=1)
    if near:
        whole = [*parent, near[0], *rest]
        meant = (whole if is_known(model, whole) else whole[:depth]) if whole_path else near
        return f"unknown key - did you mean `{'.'.join(meant)}`?"
    elsewhere = [name for name in dotted_names(model) if name.rpartition(".")[2] == path[-1]]
    if elsewhere:
        return f"unknown key - did you mean `{min(elsewhere, key=lambda name: name.count('.'))}`?"
    return f"unknown key - the keys of this section are {', '.join(inside)}"


def _annotation_at(model: type[BaseModel], path: Sequence[str]) -> Any:
    """Return the type at a path, or None if the path does not exist."""
    at: Any = model
    for key in path:
        if (item := _item_of(at)) is not None:
            if not key.isdecimal():
                return None
            at = item
        elif (value := _value_of(at)) is not None:
            at = value
        elif section := next(_models_in(at), None):
            named = {field.alias or name: field for name, field in section.model_fields.items()}
            field = named.get(key) or section.model_fields.get(key)
            if field is None:
                return None
            at = field.annotation
        else:
            return None
    return at


def _item_of(annotation: Any) -> Any:
    """Return the type of a list's items."""
    for kind in typing.get_args(annotation) if _is_union(annotation) else (annotation,):
        if typing.get_origin(kind) is tuple:
            return typing.get_args(kind)[0]
    return None


def _value_of(annotation: Any) -> Any:
    """Return the type of a mapping's values."""
    arguments = typing.get_args(annotation) if typing.get_origin(annotation) is dict else ()
    return arguments[1] if arguments else Any if annotation is Any else None


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
