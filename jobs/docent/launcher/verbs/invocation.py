"""Describe the options given to the current verb, to complete the commands that its messages suggest.

Reads click's current context, the pipeline file and the folder of runs; writes nothing.
"""

import functools
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from docent.errors import LauncherError, PipelineError
from docent.launcher.verbs import options
from docent.messages.masking import mask
from docent.messages.suggested_commands import CALLED_AS, Invocation, complete, invocation_of

SPAN = (("--from", "first"), ("--to", "last"), ("--only", "only"))
"""Options that choose units, each with the name of its click parameter."""


def naming_the_run(verb: click.Command) -> click.Command:
    """Make a verb's errors suggest commands that include the run, file and overrides that the user gave."""
    callback = verb.callback
    if callback is None:
        return verb

    @functools.wraps(callback)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return callback(*arguments, **named)
        except PipelineError as error:
            error.next_step = _next_step(error, current())
            raise
        except BrokenPipeError:
            raise
        except OSError as error:
            where = str(error.filename) if error.filename else ""
            raise LauncherError(
                105, error.strerror or str(error), where, complete("docent doctor", current())
            ) from error
        except (click.Abort, KeyboardInterrupt):
            if verb.name != "run":
                raise
            what = "cancelled; complete units are kept"
            raise LauncherError(103, what, next_step=complete("docent run", current())) from None

    verb.callback = call
    return verb


def _next_step(error: PipelineError, given: Invocation) -> str:
    """Return the completed next step of an error; if the error is about a path in --set, suggest correcting it."""
    for text in given.sets:
        dotted, _, value = text.partition("=")
        if value and error.where == value.strip():
            return f"correct --set {dotted}, then run the command again"
    return complete(error.next_step, given)


def current() -> Invocation:
    """Describe the options given to the verb that is running."""
    context = click.get_current_context()
    given = context.params
    if "run_name" not in given:
        return Invocation(program=_program())
    cluster = given.get("backend") == "kubernetes" or "data" not in given
    named, sets = given.get("run_name"), tuple(given.get("sets") or ())
    data = given.get("data") or options.DEFAULT_DATA
    file = given.get("file") if "sets" in given else None  # for `push`, `file` is an option
    if "sets" in given and file is None and not named:
        file = options.DEFAULT_FILE  # with --run alone, an existing run would be used with its stored settings
    namespace_from = context.get_parameter_source("namespace")
    typed = namespace_from is not None and namespace_from.name in ("COMMANDLINE", "ENVIRONMENT")
    return Invocation(
        program=_program(),
        run_name=named or _unnamed(given, file, sets, data),
        file=str(file) if file else "",
        data="" if data == options.DEFAULT_DATA else str(data),
        span=tuple(word for option, name in SPAN if given.get(name) for word in (option, str(given[name]))),
        sets=tuple(map(mask, sets)),
        backend="kubernetes" if cluster else "",
        namespace=(given.get("namespace") or "") if typed else "",
    )


def of_run(run_dir: Path) -> Invocation:
    """Describe a run on this machine for suggested commands: how docent is called, the run, and its folder.

    In a pod that cleans up the volume of a run, return the invocation that the launcher passed on, since the user calls
    docent there. Running in a pod alone does not show this: notebooks and CI runners in a cluster have their own runs.
    """
    if CALLED_AS in os.environ:
        called_as = invocation_of(os.environ, run_dir.name)
        if called_as.backend == "kubernetes":
            return called_as
    data = "" if run_dir.parent == options.DEFAULT_DATA else str(run_dir.parent)
    return Invocation(program=_program(), run_name=run_dir.name, data=data)


def of_run_on_cluster(run_name: str, namespace: str) -> Invocation:
    """Describe a run on a cluster for suggested commands."""
    named = "" if namespace == options.DEFAULT_NAMESPACE else namespace
    return Invocation(program=_program(), run_name=run_name, backend="kubernetes", namespace=named)


def _unnamed(given: Mapping[str, Any], file: Path | None, sets: tuple[str, ...], data: Path) -> str:
    """Return the run of a verb without a run name: the run in its file, or the most recently used run."""
    try:
        if "sets" in given:
            return options.read_config(file, None, sets).run.name
        if given.get("backend") != "kubernetes" and "data" in given:
            return options.find_run(data, None).name
    except PipelineError:
        return options.name_in(file or options.DEFAULT_FILE)
    return ""


def _program() -> str:
    """Return how to call docent in the shell: by name if that finds this program, otherwise by path."""
    called = Path(sys.argv[0])
    if called.name != "docent" or not called.is_file():
        return "docent"
    on_path = shutil.which("docent")
    if on_path and os.path.samefile(on_path, called):
        return "docent"
    nearby = os.path.relpath(called)
    return str(called) if nearby.startswith(os.pardir) else nearby
