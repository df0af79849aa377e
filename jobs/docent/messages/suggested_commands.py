"""Complete the commands that messages suggest, so that users can run them as printed.

Reads and writes nothing. Code that raises an error writes the bare command (`docent run --to ingest`); stage.py and the
launcher add the options that the user gave: the run, the pipeline file, `--data`, `--set`, the backend.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

CALLED_AS = "DOCENT_CALLED_AS"
"""Variable in which the launcher passes its own invocation to its workers."""
HERE_ONLY = frozenset(("--verify", "--from", "--to", "--only"))
"""Options of `docent run` that do not work on a cluster; all but the first take a value."""

_AT_WORK = ("--run", "--data", "--backend", "--namespace")
_ON_CLUSTER = ("--run", "--namespace")
TAKES: dict[str, tuple[str, ...]] = {
    "run": ("FILE", "--run", "--data", "--backend", "--namespace", "--set"),
    **dict.fromkeys(("plan", "estimate", "doctor"), ("FILE", "--run", "--data", "--set")),
    **dict.fromkeys(("render", "diff"), ("FILE", "--run", "--namespace", "--set")),
    **dict.fromkeys(("status", "open", "gc"), _AT_WORK),
    "logs": ("UNIT", *_AT_WORK),
    "trace": ("ID", "--run", "--data"),
    "review": ("RUN", "--data"),
    **dict.fromkeys(("retry", "cancel", "wait"), _ON_CLUSTER),
    **dict.fromkeys(("push", "pull"), ("SOURCE", *_ON_CLUSTER)),
    **dict.fromkeys(("ingest", "preview", "validate", "convert"), ()),
}
"""For each verb, the parameters that identify the run: its argument first, then options in the order in which they are
added. A test compares the table with the command line."""
SPAN = frozenset(("--from", "--to", "--only"))
_SHORT = {"--namespace": "-n"}
_WORD = r"""(?:'[^']*'|"[^"]*"|[^\s,;()'"])+"""
_COMMAND = re.compile(rf"(?<![\w`/-])docent (?P<verb>{'|'.join(TAKES)})(?![\w.-])(?P<rest>(?: {_WORD})*)")


@dataclass(frozen=True)
class Invocation:
    """The options that a user gave to a command; empty if not given.

    Attributes:
        program: how the user calls docent.
        file: the pipeline file that the configuration was read from.
        data: the folder of runs, if it is not the default.
        span: the chosen units of the run, as `--from`, `--to` and `--only`.
        sets: the overrides as given.
    """

    run_name: str = ""
    program: str = "docent"
    file: str = ""
    data: str = ""
    span: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    backend: str = ""
    namespace: str = ""


def complete(text: str, given: Invocation) -> str:
    """Complete every command in a next step; keep options that a command already has."""
    return _COMMAND.sub(lambda match: _completed(match, given), text)


def as_text(given: Invocation) -> str:
    """Return the invocation as JSON, as the launcher passes it to its workers in the variable CALLED_AS."""
    return json.dumps(asdict(given))


def invocation_of(environ: Mapping[str, str], run_name: str) -> Invocation:
    """Return the invocation of the launcher that started this process; without a launcher, name only the run."""
    if text := environ.get(CALLED_AS):
        fields: dict[str, Any] = json.loads(text)
        return Invocation(**fields | {key: tuple(fields[key]) for key in ("span", "sets")})
    return Invocation(run_name, backend="kubernetes" if "KUBERNETES_SERVICE_HOST" in environ else "")


def _completed(match: re.Match[str], given: Invocation) -> str:
    verb, words = match["verb"], re.findall(_WORD, match["rest"])
    if "--run" in words[:-1] and words[words.index("--run") + 1] not in ("", given.run_name):
        return match[0]  # the command is about another run
    takes = TAKES[verb]
    argument = [words.pop(0)] if words and not words[0].startswith("-") else []
    if "RUN" in takes and given.run_name:
        argument = [given.run_name] if not argument or argument == ["RUN"] else argument
    if "FILE" in takes and not argument and given.file:
        argument = [shlex.quote(given.file)]
    added = [word for option in takes if option.startswith("--") for word in _stated(option, words, given)]
    own = {value.partition("=")[0] for option, value in zip(words, words[1:], strict=False) if option == "--set"}
    kept = [text for text in given.sets if "--set" in takes and text.partition("=")[0] not in own]
    at_end = [word for text in kept for word in ("--set", shlex.quote(text))]
    if verb == "run" and given.backend == "kubernetes":
        words = list(_without_units(words))
    elif verb in ("run", "plan") and not SPAN.intersection(words):
        added += map(shlex.quote, given.span)
    repeated = "--set" in words  # the command's own overrides come last, so that they take precedence
    words = [*at_end, *words] if repeated else [*words, *at_end]
    return " ".join([shlex.quote(given.program), verb, *argument, *added, *words])


def _stated(option: str, words: list[str], given: Invocation) -> Iterator[str]:
    """Yield an option and its value: the command's own, which is removed from `words`, or the value in `given`."""
    for spelled in (option, _SHORT.get(option, option)):
        if option != "--set" and spelled in words[:-1]:
            at = words.index(spelled)
            yield from (words.pop(at), words.pop(at))
            return
    if value := getattr(given, "run_name" if option == "--run" else option.removeprefix("--"), ""):
        yield from (option, shlex.quote(value))


def _without_units(words: list[str]) -> Iterator[str]:
    """Yield the words of a command except HERE_ONLY options and their values, which do not work on a cluster."""
    left = iter(words)
    for word in left:
        if word not in HERE_ONLY:
            yield word
        elif word != "--verify":
            next(left, None)
