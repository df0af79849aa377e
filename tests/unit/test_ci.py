"""What CI runs on a clean clone, with and without a cluster beside it: `make` and the like are stand-ins."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS = '#!/bin/sh\necho "$(basename "$0")" "$@"\n'
MAKE = """#!/bin/sh
echo make "$@" ${DOCENT_PUBLISHED_DATA:+with $DOCENT_PUBLISHED_DATA}
[ "$1" != test ] || { echo "beside: $(ls ..)"; .venv/bin/pytest an "argument"; }
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with .ci/run, one module and an environment, and a PATH of stand-ins; `make test` says what it sees."""
    clone = tmp_path / "a clone"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", clone / ".ci/run")
    (clone / "jobs/docent").mkdir(parents=True)
    (clone / "jobs/docent/__init__.py").touch()
    (clone / ".gitignore").write_text(".venv\n")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(clone)]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=x"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    for name in ("docent", "pytest"):
        (clone / ".venv/bin" / name).write_text("import docent, sys; print(docent.__file__, *sys.argv[1:])\n")
    program(tmp_path / "bin" / "make", MAKE)
    program(tmp_path / "bin" / "chromium", SAYS)
    return clone


@pytest.fixture
def beside(clone: Path) -> Iterator[Path]:
    """A cluster beside the clone: its home, with containerd's socket in it."""
    starter, home = clone.parent / "shared" / "cluster", clone.parent / "home"
    home.mkdir()
    program(starter / "up", "#!/bin/sh\necho not a command of this script\necho export KUBECONFIG=elsewhere\n")
    program(starter / "base-image", SAYS)
    program(starter / "build-flags", "#!/bin/sh\necho --flag\n")
    program(starter / "lib" / "common.sh", f"H={home}\nKUBECONFIG=$H/kubeconfig\nCONTAINERD_SOCK=$H/socket\n")
    (home / "env").write_text(f"export KUBECONFIG={home}/kubeconfig\nexport PATH={home}:$PATH\n")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as containerd:
        os.chdir(home)  # a socket's path must be short
        containerd.bind("socket")
        os.chdir(here)
        yield home


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def ran(clone: Path, **variables: str) -> tuple[int, list[str]]:
    """Exit code, and what was said apart from the headings."""
    environ = {"PATH": f"{clone.parent / 'bin'}:/usr/bin:/bin", "HOME": str(clone.parent), **variables}
    result = subprocess.run(
        [clone / ".ci/run"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return result.returncode, [line for line in result.stdout.splitlines() if line and not line.startswith(("=", "-"))]


def test_tests_run_in_a_clone_of_its_own_code_with_nothing_beside_it(clone: Path) -> None:
    (clone.parent / "shared/data").mkdir(parents=True)
    (clone / "not-committed.py").touch()
    code, said = ran(clone, DOCENT_PUBLISHED_DATA="../shared/data")
    assert code == 0
    test = said.index("make test")
    beside, seen, verify, published = said[test + 1 : test + 5]
    assert beside == "beside: docent"
    alone = Path(seen.removesuffix(" an argument")).parents[2]
    assert alone.name == "docent" and alone != clone and not alone.exists(), "it is deleted in the end"
    assert (verify, published) == ("make verify", "make test-published with ../shared/data")


def test_without_published_material_one_line_says_so(clone: Path) -> None:
    code, said = ran(clone)
    assert code == 0 and "make test-published" not in said
    assert any(line.startswith("make test-published: not run") for line in said)


def test_a_failure_in_the_clone_fails(clone: Path) -> None:
    program(clone.parent / "bin" / "make", MAKE + '[ "$1" != verify ]\n')
    code, said = ran(clone)
    assert (code, said[-1]) == (1, "make verify")


def test_without_a_cluster_one_line_says_so(clone: Path) -> None:
    code, said = ran(clone)
    assert code == 0
    assert said[-2] == "make lint-manifests"
    assert said[-1].startswith("make test-cluster: not run")
    assert not [line for line in said if line.startswith("make images")]


def test_a_cluster_of_ones_own_is_not_touched(clone: Path, beside: Path) -> None:
    code, said = ran(clone, KUBECONFIG="/of/mine")
    assert code == 0
    assert said[-4:] == ["make lint-manifests", "make images", "make images-size", "make test-cluster"]
    assert "base-image" not in said


@pytest.mark.parametrize("already", [False, True])
def test_the_cluster_beside_the_clone_gets_one_archive(clone: Path, beside: Path, already: bool) -> None:
    program(clone.parent / "bin" / "ctr", SAYS)
    code, said = ran(clone, **({"KUBECONFIG": f"{beside}/kubeconfig"} if already else {}))
    assert code == 0
    assert "base-image" in said
    load = f"make images-load LOAD_ARCHIVE=ctr --address {beside}/socket -n k8s.io images import"
    assert said[-2:] == [load, "make test-cluster"]


def test_without_containerd_at_hand_images_go_in_by_name(clone: Path, beside: Path) -> None:
    (beside / "socket").unlink()
    code, said = ran(clone)
    assert (code, said[-2]) == (0, "make images-load LOAD=../shared/cluster/load")


def test_a_cluster_that_does_not_start_fails(clone: Path, beside: Path) -> None:
    program(clone.parent / "shared/cluster/up", "#!/bin/sh\necho unpacking\necho no room >&2\nexit 1\n")
    code, said = ran(clone)
    assert (code, said[-1]) == (1, "no room")
