"""A run whose endpoint is not there: one reason, one next step, and no command that repeats the address that failed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.integration.test_failed_attempts import call
from tests.printed_commands import parsed, suggested

from docent.errors import LauncherError

NOBODY = "http://127.0.0.1:9/openai/v1"
PIPELINE = f"""
run: {{name: bees, input_wait_s: 0}}
llm: {{provider: vllm, model: some, base_url: "{NOBODY}", max_attempts: 1}}
kubernetes: {{max_retries: 0}}
ingest: {{sources: [{{kind: markdown, path: hives}}]}}
assemble: {{}}
generate_qa: {{shards: 2}}
"""


@pytest.fixture(scope="module")
def apiary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with such a run, and what the run said."""
    folder = tmp_path_factory.mktemp("apiary")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    (folder / "hives").mkdir()
    for number in range(4):
        text = f"# Hive {number}\n\nHive {number} has {number + 3} frames, which are opened once a week in summer.\n"
        (folder / "hives" / f"hive-{number}.md").write_text(text)
    failed = call(folder, "run", "--set", "seed=3", "--set", f"llm.base_url={NOBODY}")
    assert isinstance(failed.exception, LauncherError) and failed.exception.exit_code == 100
    return folder, failed.output + str(failed.exception)


def test_the_reason_is_said_once_and_the_next_step_at_the_end(apiary: tuple[Path, str]) -> None:
    _, said = apiary
    assert said.count("ended with exit code 200") == 2 and said.count("the endpoint did not reply") == 1
    assert "for the same reason" in said
    assert said.count("next:") == 1 and "next:" in said.splitlines()[-1]


def test_the_next_step_has_a_placeholder_for_the_address_that_failed(apiary: tuple[Path, str]) -> None:
    _, said = apiary
    (words,) = suggested(said.splitlines()[-1])
    assert parsed(words).params["sets"] == ("seed=3", "llm.base_url=http://HOST:PORT/openai/v1")


def test_status_names_the_same_next_step_and_no_other(apiary: tuple[Path, str]) -> None:
    folder, said = apiary
    shown = call(folder, "status").output
    (line,) = [line for line in shown.splitlines() if line.startswith("next: ")]
    assert line.removeprefix("next: ") == said.splitlines()[-1].removeprefix("  next:  ")
    assert shown.count("docent run") == 1 and shlex.split(line)[-1] == "llm.base_url=http://HOST:PORT/openai/v1"


def test_a_placeholder_that_is_pasted_as_it_is_is_refused_with_the_setting_that_it_is_in(
    apiary: tuple[Path, str],
) -> None:
    folder, said = apiary
    (words,) = suggested(said.splitlines()[-1])
    pasted = call(folder, *words)
    assert pasted.exit_code != 0 and "llm.base_url" in pasted.output + str(pasted.exception)
