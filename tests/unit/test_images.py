"""The images: one folder per stage, one table for both builders, and Dockerfiles that keep their promises."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docent.pipeline import STAGES

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts/images"))
archive = importlib.import_module("archive")
build = importlib.import_module("build")
matrix = importlib.import_module("matrix")
stamps = importlib.import_module("stamps")

IMAGES = {image.name: image for image in matrix.IMAGES}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GIVEN = {
    "PREFIX": "registry.example.org/museum/",
    "TAG": "9.8.7",
    "TORCH_INDEX_URL": "https://example.org/whl/cpu",
    "PIP_FIND_LINKS": "https://example.org/wheels",
    "BASE_IMAGE": "registry.example.org/python:3.11",
}


def dockerfile(name: str) -> list[str]:
    """Instructions of a Dockerfile, one per line, without comments and empty lines."""
    text = (ROOT / "images" / name / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def final_stage(name: str) -> list[str]:
    lines = dockerfile(name)
    return lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]


def locked(name: str) -> dict[str, str]:
    """Package to version, as images/<name>/requirements.txt adds them."""
    path = ROOT / "images" / name / "requirements.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in pairs}


def held(name: str) -> dict[str, str]:
    """All packages of an image: its own and its bases'."""
    base = IMAGES[name].base
    return {**(held(base) if base else {}), **locked(name)}


def test_every_stage_has_an_image_and_every_image_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "images").glob("*/Dockerfile")}
    assert folders == set(IMAGES) == {"base-cpu", "base-gpu", "launcher", *STAGES}


def test_the_image_of_a_stage_holds_the_extra_of_that_name() -> None:
    assert {name: IMAGES[name].extras for name in STAGES} == {name: (name,) for name in STAGES}


def from_bake(name: str, command: list[str], targets: dict[str, Any]) -> dict[str, Any]:
    """One target of the bake file with the variables and --set of the command, in the terms of the buildah command."""
    target = targets[name]
    prefix = f"{name}.labels."
    set_labels = [
        value.removeprefix(prefix).split("=", 1)
        for option, value in zip(command, command[1:], strict=False)
        if option == "--set" and value.startswith(prefix)
    ]

    def filled(value: Any) -> Any:
        return re.sub(r"\$\{(\w+)\}", lambda found: GIVEN[found[1]], value)

    args = {key: filled(value) for key, value in target["args"].items()}
    for placeholder, context in target.get("contexts", {}).items():
        if args["BASE"] == placeholder:  # docker puts the target it has just built in the place of that name
            args["BASE"] = filled(targets[context.removeprefix("target:")]["tags"][0])
    return {
        "context": target["context"],
        "dockerfile": target["dockerfile"],
        "target": target.get("target"),
        "args": args,
        "labels": {**{key: filled(value) for key, value in target["labels"].items()}, **dict(set_labels)},
        "tags": [filled(tag) for tag in target["tags"]],
    }


def from_buildah(command: list[str]) -> dict[str, Any]:
    """What a buildah command line asks for."""
    many: dict[str, list[str]] = {"--build-arg": [], "--label": [], "--tag": [], "--file": [], "--target": []}
    for option, value in zip(command, command[1:], strict=False):
        if option in many:
            many[option].append(value)
    return {
        "context": command[-1],
        "dockerfile": many["--file"][0],
        "target": next(iter(many["--target"]), None),
        "args": dict(text.split("=", 1) for text in many["--build-arg"]),
        "labels": dict(text.split("=", 1) for text in many["--label"]),
        "tags": many["--tag"],
    }


def test_docker_and_buildah_are_asked_for_the_same() -> None:
    bake = json.loads((ROOT / "images/docker-bake.json").read_text(encoding="utf-8"))
    builds = matrix.builds(
        GIVEN["PREFIX"].rstrip("/"),
        GIVEN["TAG"],
        build.arguments(GIVEN),
        revision="0123abc",
        source="https://example.org/docent",
    )
    asked_of_buildah = {one.name: from_buildah(build.buildah_command(one)) for one in builds}
    command = build.bake_command(builds)
    asked_of_docker = {name: from_bake(name, command, bake["target"]) for name in bake["target"]}
    assert asked_of_docker == asked_of_buildah
    assert bake["group"]["default"]["targets"] == list(asked_of_buildah)


def test_the_bake_file_is_up_to_date() -> None:
    assert (ROOT / "images/docker-bake.json").read_text(encoding="utf-8") == matrix.bake_text(), "make images-lock"


def test_the_base_image_is_pinned_by_digest_unless_another_is_named() -> None:
    assert re.search(r"@sha256:[0-9a-f]{64}$", matrix.BASE_IMAGE)
    assert matrix.builds("", "1")[0].args["BASE"] == matrix.BASE_IMAGE
    other = build.arguments({"BASE_IMAGE": "python:3.11-slim"})
    assert matrix.builds("", "1", other)[0].args["BASE"] == "python:3.11-slim"


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_a_dockerfile_is_short_and_its_base_can_be_chosen(name: str) -> None:
    lines = dockerfile(name)
    assert 4 <= len(lines) <= 12
    base = IMAGES[name].base
    assert lines[0] == f"ARG BASE={matrix.reference(base, '', matrix.version()) if base else matrix.BASE_IMAGE}"
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"${BASE}"}


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_runs_docent_as_a_user_with_a_number(name: str) -> None:
    final = final_stage(name)
    assert [line for line in final if line.startswith("USER")] == ["USER 10001:10001"]
    entrypoints = [line for line in final if line.startswith("ENTRYPOINT")]
    assert entrypoints == (['ENTRYPOINT ["docent"]'] if name == "base-cpu" else [])


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_is_made_of_copied_deltas_and_the_wheel_comes_last(name: str) -> None:
    layers = [line for line in final_stage(name) if line.split()[0] in ("RUN", "COPY", "ADD")]
    packages = ["COPY --from=build /build/packages /opt/docent"] if locked(name) else []
    code = ["COPY --from=build /build/code /opt/docent"] if IMAGES[name].holds_docent else []
    assert layers == (["COPY --from=build /opt/docent /opt/docent"] if name == "base-cpu" else packages + code)
    if code:  # no dependency is built again because code changed
        runs = [line for line in dockerfile(name) if line.startswith(("RUN", "COPY dist"))]
        assert runs[-1] == "RUN sh /build/install.sh /build/code --no-deps --no-index /build/docent-*.whl"
        assert not packages or runs[-2] == "COPY dist/image/ /build/"


def test_nothing_is_downloaded_past_the_lock_and_nothing_secret_is_asked_for() -> None:
    for name in IMAGES:
        text = "\n".join(dockerfile(name))
        assert not re.search(r"^ADD|https?://|curl|wget|apt-get", text, re.MULTILINE)
        assert not re.search(r"token|password|secret|_key", text, re.IGNORECASE)
        assert {line.split()[1].split("=")[0] for line in dockerfile(name) if line.startswith("ARG")} <= {
            "BASE",
            *matrix.BAKE_ARGS,
        }


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_the_lock_meets_what_pyproject_asks_for(name: str) -> None:
    todo = [Requirement(text) for text in PROJECT["dependencies"]]
    todo += [Requirement(f"docent[{extra}]") for extra in IMAGES[name].extras]
    while todo:
        wanted = todo.pop()
        if wanted.name == "docent":
            todo += [Requirement(text) for e in wanted.extras for text in PROJECT["optional-dependencies"][e]]
            continue
        version = held(name).get(canonicalize_name(wanted.name))
        assert version is not None and wanted.specifier.contains(version), f"{wanted}: make images-lock"


def test_an_image_adds_only_what_its_base_lacks_and_all_agree_on_versions() -> None:
    lines = (ROOT / "images/constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints = {line for line in lines if not line.startswith("#")}
    used = set()
    for name, image in IMAGES.items():
        own = locked(name)
        assert not image.base or not set(own) & set(held(image.base)), f"{name}: make images-lock"
        used |= {f"{package}=={version}" for package, version in own.items()}
    assert used == {f"{canonicalize_name(line.split('==')[0])}=={line.split('==')[1]}" for line in constraints}


def test_no_stage_holds_a_client_of_the_cluster() -> None:
    assert [name for name in IMAGES if "kubernetes" in held(name)] == ["launcher"]


def test_flags_of_this_machine_reach_buildah(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_FLAGS", "--network host -v '/a folder:/wheels:ro'")
    command = build.buildah_command(matrix.builds("", "1")[0])
    assert shlex.join(["--network", "host", "-v", "/a folder:/wheels:ro"]) in shlex.join(command)


def test_some_images_are_built_with_what_they_stand_on_and_no_others() -> None:
    chosen = build.wanted(["score"], matrix.builds("", "1"))
    assert [one.name for one in chosen] == ["base-cpu", "base-gpu", "score"]


def test_a_folder_of_this_machine_is_no_build_argument() -> None:
    assert build.arguments({"PIP_FIND_LINKS": "/wheels", "TORCH_INDEX_URL": "https://example.org"}) == {
        "TORCH_INDEX_URL": "https://example.org"
    }


@pytest.mark.parametrize(
    ("tag", "full"),
    [
        ("docent-score:1", "docker.io/library/docent-score:1"),
        ("museum/docent-score:1", "docker.io/museum/docent-score:1"),
        ("localhost/docent-score:1", "localhost/docent-score:1"),
        ("registry.example.org/docent-score:1", "registry.example.org/docent-score:1"),
        ("registry:5000/docent-score:1", "registry:5000/docent-score:1"),
    ],
)
def test_an_archive_names_images_as_a_kubelet_does(tag: str, full: str) -> None:
    assert archive.full_name(tag) == full


def test_a_builder_that_fails_says_why_and_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LOGS", ROOT / "dist/image-logs")
    command = [sys.executable, "-c", "import sys; print('no wheel for torch'); sys.exit(3)"]
    with pytest.raises(build.BuildError, match="(?s)no wheel for torch.*test-of-a-failure failed \\(3\\)"):
        build.run(command, "test-of-a-failure")
    (build.LOGS / "test-of-a-failure.txt").unlink()


@pytest.mark.parametrize(("chosen", "says"), [("", "no docker daemon answers"), ("podman", "BUILDER=podman")])
def test_without_a_builder_nothing_is_begun_and_the_way_out_is_named(
    chosen: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no git either
    monkeypatch.setenv("BUILDER", chosen)
    monkeypatch.setattr(build, "build_wheel", pytest.fail)
    assert build.main(["curate"]) == 1
    assert says in capsys.readouterr().err


def test_an_unknown_image_is_named_with_those_there_are() -> None:
    command = [sys.executable, str(ROOT / "scripts/images/build.py"), "finetun"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "no image finetun" in result.stderr and "finetune" in result.stderr


def test_an_image_is_built_again_when_something_in_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {"docent-base-cpu:1": "id-of-base", "docent-curate:1": "id-of-image"}
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(stamps, "image_id", lambda name: ids.get(name, ""))
    files = [tmp_path / path for path in ("images/curate/Dockerfile", "images/install.sh", "dist/image/docent.whl")]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before", encoding="utf-8")
    curate = next(one for one in matrix.builds("", "1") if one.name == "curate")
    wanted = stamps.inputs(curate, ["buildah"])
    assert not stamps.is_built(curate, wanted)
    stamps.keep(curate, wanted)
    assert stamps.is_built(curate, stamps.inputs(curate, ["buildah"]))
    assert not stamps.is_built(curate, stamps.inputs(curate, ["buildah", "--label", "a=b"]))
    for path in files:
        path.write_text("after", encoding="utf-8")
        assert not stamps.is_built(curate, stamps.inputs(curate, ["buildah"])), path
        path.write_text("before", encoding="utf-8")
    for name, before in list(ids.items()):  # another base; somebody else's image under the same tag
        monkeypatch.setitem(ids, name, "another")
        assert not stamps.is_built(curate, stamps.inputs(curate, ["buildah"])), name
        monkeypatch.setitem(ids, name, before)
    assert stamps.is_built(curate, stamps.inputs(curate, ["buildah"]))
