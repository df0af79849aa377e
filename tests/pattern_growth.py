"""Finds every regular expression of the package, text that is hostile to it, and how its time grows with that text.

Reads the package's modules; writes nothing. A pattern whose time grows with the square of the text stops a stage on a
document of a few hundred kilobytes, however the rest of the stage is bounded.
"""

from __future__ import annotations

import ast
import importlib
import math
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
PROBES = (20, 150, 2_000)
"""Characters of the texts among which the slowest ones are looked for."""
GROWN = 2
"""How many of the slowest texts are grown."""
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
    yield from _literals(module.__name__, tree)
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            yield Found(f"{module.__name__}.{name}", value, _applied(name, tree))
        else:
            for pattern in _inside(value):
                yield Found(f"{module.__name__}.{name}", pattern, frozenset({"search"}))


def _literals(where: str, tree: ast.Module) -> Iterator[Found]:
    """Patterns that stand as text in calls such as `re.sub(r"...", ...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
            named = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            if named and isinstance(node.args[0], ast.Constant):
                yield Found(f"{where}:{node.lineno}", re.compile(node.args[0].value), frozenset({node.func.attr}))


def _applied(name: str, tree: ast.Module) -> frozenset[str]:
    """Functions that a module calls on its constant; `search` as well where it is handed on to something else."""
    called: set[str] = set()
    direct = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            direct += 1
            called.update({node.attr} & set(FUNCTIONS))
    read = sum(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in ast.walk(tree))
    return frozenset(called | ({"search"} if read > direct or not called else set()))


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


USUAL = " a1A.-\n\t,é的'\"*_#<>()[]{}|:;/\\=+&%$@!?~^`"


def _one_of(options: Any) -> str:
    compiled = re.compile("[" + "".join(_as_text(option) for option in options) + "]")
    return next((c for c in " a1A.-\n\t,é的'\"*_#<>()[]{}|:;/\\=+&%$@!?~^`" if compiled.match(c)), "") or _first(
        options
    )


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
    """By what factor four times a slow text takes longer, and that text's beginning; 0 where no text is slow."""
    slow: list[tuple[float, int, str]] = []
    for function in found.functions:
        for size in PROBES:
            for number, text in enumerate(hostile_texts(found.pattern, size)):
                taken_s = time_of(found, function, text)
                if taken_s > NOISE_S and size < PROBES[-1]:
                    return math.inf, repr(text[:24])  # exponential, or a high power of the length
                slow.append((taken_s, number, function))
                if len(slow) > 1 and taken_s > 5 * NOISE_S:
                    break
    worst = (0.0, "")
    for _, number, function in sorted(slow, reverse=True)[:GROWN]:
        worst = max(worst, _growth_of(found, function, number))
        if worst[0] > MAX_GROWTH:
            break
    return worst


def _growth_of(found: Found, function: str, number: int) -> tuple[float, str]:
    before_s, worst, text = 0.0, 0.0, ""
    for size in SIZES:
        text = next(islice(hostile_texts(found.pattern, size), number, None))
        now_s = time_of(found, function, text)
        if now_s > NOISE_S and before_s:
            worst = max(worst, now_s / max(before_s, NOISE_S / 100))
        if worst > MAX_GROWTH:
            break
        before_s = now_s
    return worst, repr(text[:24])
