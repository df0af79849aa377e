"""Finds every regular expression of the package, text that is hostile to it, and how its time grows with that text.

Reads the package's modules; writes nothing. A pattern whose time grows with the square of the text stops a stage on a
document of a few hundred kilobytes, however the rest of the stage is bounded.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import docent

FUNCTIONS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "subn", "split")
SIZES = (6_250, 25_000, 100_000)
"""Characters, each four times the one before: a linear pattern takes 4 times as long, a quadratic one 16 times."""
PROBE = 2_000
"""Characters of the texts among which the slowest one is looked for."""
MAX_GROWTH = 9.0
NOISE_S = 0.01
"""Shorter times say nothing about growth."""
MAX_PIECES = 14
MAX_UNITS = 60


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands, and how it is applied there."""

    where: str
    pattern: re.Pattern[str]
    functions: frozenset[str]


def patterns_of_package() -> list[Found]:
    """All patterns of `docent`: module constants, and literals given to functions of `re`."""
    found: dict[tuple[str, int], Found] = {}
    for module in _modules():
        for one in _patterns_of(module):
            found.setdefault((one.pattern.pattern, one.pattern.flags), one)
    return sorted(found.values(), key=lambda one: one.where)


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(docent.__path__, "docent."):
        if info.name != "docent.__main__":
            yield importlib.import_module(info.name)


def _patterns_of(module: ModuleType) -> Iterator[Found]:
    with open(str(module.__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    constants = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
    used: dict[str, set[str]] = {name: set() for name in constants}
    elsewhere: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if name in used and node.func.attr in FUNCTIONS:
                used[name].add(node.func.attr)
            if name == "re" and node.func.attr in FUNCTIONS and isinstance(node.args[0], ast.Constant):
                text = node.args[0].value
                yield Found(f"{module.__name__}:{node.lineno}", re.compile(text), frozenset({node.func.attr}))
    for node in ast.walk(tree):  # tables, arguments, dictionaries: how they are applied is not seen here
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            continue
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and child.id in used:
                elsewhere.add(child.id)
    for name, pattern in constants.items():
        functions = frozenset(used[name])
        yield Found(f"{module.__name__}.{name}", pattern, functions or frozenset({"search"}))
        if name in elsewhere and "search" not in functions:
            yield Found(f"{module.__name__}.{name}", pattern, functions | {"search"})
    for name, value in vars(module).items():
        for pattern in _inside(value):
            yield Found(f"{module.__name__}.{name}", pattern, frozenset({"search"}))


def _inside(value: Any) -> Iterator[re.Pattern[str]]:
    """Patterns in tables: tuples, lists and dictionaries of a module, at any depth."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for one in value:
            if isinstance(one, re.Pattern):
                yield one
            else:
                yield from _inside(one)


def hostile_texts(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Texts of about `length` characters made of what the pattern repeats, alone and behind what it begins with."""
    written = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    tree = parser.parse(written, pattern.flags & ~re.DEBUG & ~(0 if written is pattern.pattern else re.UNICODE))
    pieces = list(dict.fromkeys(piece for piece in [*_pieces(tree), " ", "\n"] if piece))[:MAX_PIECES]
    units = list(dict.fromkeys([*pieces, *(a + b for a in pieces for b in pieces if a != b)]))[:MAX_UNITS]
    for unit in units:
        body = (unit * (length // len(unit) + 1))[:length]
        for tail in ("", "\n", "!", "\x00x"):
            yield body + tail
    for begin in pieces:
        for unit in pieces:
            yield begin + (unit * (length // len(unit) + 1))[:length] + "\x00"


def _pieces(tree: Any) -> Iterator[str]:
    """Shortest texts of every part of a parsed pattern: characters, and whole groups."""
    for code, argument in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield _sample(argument[2])
            yield from _pieces(argument[2])
        elif code is codes.SUBPATTERN:
            yield _sample(argument[3])
            yield from _pieces(argument[3])
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield _sample(branch)
                yield from _pieces(branch)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _pieces(argument[1])
        elif code is codes.ATOMIC_GROUP:
            yield _sample(argument)
            yield from _pieces(argument)
        elif code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY):
            yield _sample([(code, argument)])


def _sample(tree: Any) -> str:
    """One text that the parsed pattern matches, roughly."""
    made = []
    for code, argument in tree:
        if code is codes.LITERAL:
            made.append(chr(argument))
        elif code is codes.NOT_LITERAL:
            made.append("a" if argument != ord("a") else "b")
        elif code is codes.ANY:
            made.append("a")
        elif code is codes.IN:
            made.append(_one_of(argument))
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            made.append(_sample(argument[2]) * max(1, min(argument[0], 3)))
        elif code is codes.SUBPATTERN:
            made.append(_sample(argument[3]))
        elif code is codes.BRANCH:
            made.append(_sample(argument[1][0]))
        elif code is codes.ATOMIC_GROUP:
            made.append(_sample(argument))
    return "".join(made)


def _one_of(options: Any) -> str:
    compiled = re.compile("[" + "".join(_as_text(option) for option in options) + "]")
    return next((c for c in " a1A.-\n\t,é的'\"*_#<>()[]{}|:;/\\=+&%$@!?~^`" if compiled.match(c)), "") or _first(options)


def _as_text(option: Any) -> str:
    code, argument = option
    if code is codes.NEGATE:
        return "^"
    if code is codes.LITERAL:
        return re.escape(chr(argument))
    if code is codes.RANGE:
        return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
    return CATEGORIES[argument]


CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}


def _first(options: Any) -> str:
    for code, argument in options:
        if code is codes.LITERAL:
            return chr(argument)
        if code is codes.RANGE:
            return chr(argument[0])
    return "a"


def time_of(found: Found, function: str, text: str | bytes) -> float:
    """Processor seconds of one application, the least of two."""
    times = []
    if isinstance(found.pattern.pattern, bytes):
        text = text.encode()
    for _ in range(2):
        start_s = time.process_time()
        if function == "finditer":
            for _match in found.pattern.finditer(text):
                pass
        elif function in ("sub", "subn"):
            getattr(found.pattern, function)(text[:0], text)
        else:
            getattr(found.pattern, function)(text)
        times.append(time.process_time() - start_s)
        if times[0] < NOISE_S:
            break
    return min(times)


def growth(found: Found) -> tuple[float, str]:
    """By what factor four times its slowest text takes longer, and that text's beginning; 0 where it takes no time."""
    slowest = (0.0, 0, "")
    for function in found.functions:
        for number, text in enumerate(hostile_texts(found.pattern, PROBE)):
            slowest = max(slowest, (time_of(found, function, text), number, function))
    _, number, function = slowest
    before_s, worst = 0.0, 0.0
    for size in SIZES:
        text = next(islice(hostile_texts(found.pattern, size), number, None))
        now_s = time_of(found, function, text)
        if now_s > NOISE_S and before_s:
            worst = max(worst, now_s / max(before_s, NOISE_S / 100))
        if worst > MAX_GROWTH:
            break
        before_s = now_s
    return worst, repr(text[:24])
