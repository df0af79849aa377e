"""Commands in messages: completed with what the person gave, and understood by docent as they are printed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.printed_commands import parsed, suggested

from docent.launcher.cli import docent
from docent.messages.suggested_commands import TAKES, Invocation, as_text, complete, invocation_of

PACKAGE = Path(__file__).parents[2] / "jobs" / "docent"
GIVEN = Invocation(
    run_name="mine",
    file="my pipeline.yaml",
    data="other runs",
    sets=("report.title=My Museum",),
    span=("--to", "curate"),
)
MADE_UP = "unit-x"
"""Stands for a value that a message fills in; the name of a unit or file."""


def messages() -> Iterator[tuple[str, str]]:
    """Every text of the package that suggests a command, with its place; docstrings are none."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) in inner or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(map(_as_printed, parts))
            if "\n" not in text and re.search(rf"(?:^|: |; |, |or )docent (?:{'|'.join(TAKES)})\b", text):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


def _as_printed(part: ast.expr) -> str:
    """A part of a text; the arguments of a command, and a value that is filled in, as they could look."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    names = {getattr(node, "id", "") or getattr(node, "attr", "") for node in ast.walk(part)}
    return "--run mine" if names & {"again", "same"} else MADE_UP


MESSAGES = list(messages())


def test_the_walk_finds_the_messages_of_stages_and_launcher() -> None:
    places = [place for place, _ in MESSAGES]
    assert len(places) > 60
    assert any(place.startswith("llm/") for place in places) and any(place.startswith("launcher/") for place in places)


@pytest.mark.parametrize(("place", "text"), MESSAGES, ids=lambda value: value if ".py:" in value else "")
def test_every_suggested_command_is_understood_and_names_the_run(place: str, text: str) -> None:
    commands = suggested(complete(text, GIVEN))
    assert commands, place
    for words in commands:
        context = parsed(words)
        if "--run" in TAKES[words[0]] or "RUN" in TAKES[words[0]]:
            assert context.params["run_name"] in ("mine", "again", MADE_UP), (place, words)


@pytest.mark.parametrize(("place", "text"), MESSAGES, ids=lambda value: value if ".py:" in value else "")
def test_a_suggested_command_ends_its_line_so_that_it_can_be_pasted(place: str, text: str) -> None:
    assert len(suggested(text)) == 1, "one command"
    _, command, arguments = text.rpartition("docent ")
    assert command and shlex.split(arguments)
    assert not re.search(r"[,;()]|:\s", arguments.replace("'", "")), "text follows the command"


def test_the_table_says_what_each_verb_takes() -> None:
    for verb, takes in TAKES.items():
        names = {
            option
            for parameter in docent.get_command(click.Context(docent), verb).params
            for option in (*parameter.opts, parameter.name)
        }
        assert {option for option in takes if option.startswith("--")} <= names, verb
        assert ("FILE" in takes) == ("file" in names and "sets" in names and "run_name" in names), verb
        if verb in ("run", "status", "logs", "gc", "open", "plan", "doctor", "estimate", "retry", "cancel", "wait"):
            assert {"--run", "--data", "--backend", "--namespace", "--set"} & names <= set(takes), verb


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("free space, then: docent run", "free space, then: docent run --run mine"),
        ("docent run (replies so far are kept)", "docent run --run mine (replies so far are kept)"),
        ("docent logs ingest", "docent logs ingest --run mine"),
        ("docent run --run mine --to ingest", "docent run --run mine --to ingest"),
        ("docent status, or give this run another name with --run", "docent status --run mine, or give this run another"
         " name with --run"),
        ("docent run --run other", "docent run --run other"),
        ("docent review RUN", "docent review mine"),
        ("docent review", "docent review mine"),
        ("docent run --verify, which trains again", "docent run --run mine --verify, which trains again"),
        ("the docentship run", "the docentship run"),
        ("runs/docent run.txt", "runs/docent run.txt"),
    ],
)  # fmt: skip
def test_the_run_is_added_where_a_command_lacks_it(text: str, completed: str) -> None:
    assert complete(text, Invocation("mine")) == completed


def test_what_was_given_is_added_in_the_words_of_a_shell() -> None:
    (words,) = suggested(complete("fix it, then: docent run", GIVEN))
    assert words == ["run", "my pipeline.yaml", "--run", "mine", "--data", "other runs", "--to", "curate",
                     "--set", "report.title=My Museum"]  # fmt: skip


def test_a_setting_of_the_command_itself_takes_the_place_of_the_one_that_was_given() -> None:
    given = Invocation("mine", sets=("llm.base_url=http://127.0.0.1:9/v1", "seed=3"))
    once = complete("docent run --set llm.base_url=http://HOST:PORT/v1", given)
    assert once == "docent run --run mine --set seed=3 --set llm.base_url=http://HOST:PORT/v1"
    assert complete("docent run --set seed=3", Invocation("mine", sets=("seed=3",))).count("seed=3") == 1


def test_a_command_keeps_what_it_says_itself() -> None:
    (words,) = suggested(complete("docent run other.yaml --from score --set ingest.max_reject_rate=0.2", GIVEN))
    assert words[1] == "other.yaml" and words.count("--from") == 1 and "--to" not in words
    assert words[-2:] == ["--set", "ingest.max_reject_rate=0.2"]  # after what was given, so that it counts


def test_an_apostrophe_in_a_folder_is_no_end_of_the_command() -> None:
    given = Invocation("mine", data="it's here", sets=("a.b=it's",))
    once = complete("docent run --to ingest", given)
    assert suggested_exactly(once) == ["run", "--run", "mine", "--data", "it's here", "--to", "ingest",
                                       "--set", "a.b=it's"]  # fmt: skip


def suggested_exactly(text: str) -> list[str]:
    return shlex.split(text)[1:]


def test_a_command_on_a_cluster_leaves_the_choice_of_units_to_its_launcher() -> None:
    given = Invocation("mine", backend="kubernetes", namespace="team-a")
    assert complete("docent run --to ingest --verify", given) == (
        "docent run --run mine --backend kubernetes --namespace team-a"
    )
    assert complete("docent logs ingest", given) == (
        "docent logs ingest --run mine --backend kubernetes --namespace team-a"
    )


def test_a_worker_suggests_what_its_launcher_was_given_and_alone_the_run() -> None:
    handed_on = {"DOCENT_CALLED_AS": as_text(GIVEN)}
    assert invocation_of(handed_on, "other") == GIVEN
    assert invocation_of({}, "alone") == Invocation("alone")
    assert invocation_of({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "far").backend == "kubernetes"
