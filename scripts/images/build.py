"""Build the images: with `docker buildx bake` if a docker daemon is running, otherwise with buildah, which needs none.

Reads the table in matrix.py and the environment; writes the project's wheel to dist/image/, images into the builder's
storage, the builders' output to dist/image-logs/ and the stamps of stamps.py. Run it: `make images`, or
`python scripts/images/build.py [NAME...]` for some of them (their base images are built too).

The environment: REGISTRY and TAG form the names (default: no registry, docent's version); TORCH_INDEX_URL and
PIP_FIND_LINKS choose the build of PyTorch; BASE_IMAGE replaces the pinned base image; BUILD_FLAGS are further flags of
`buildah bud`, such as volumes for a pip cache; BUILDER=docker|buildah overrides the choice; JOBS is the number of
images built in parallel; SOURCE_URL is a label.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from matrix import BAKE_ARGS, BASE_IMAGE, BY_NAME, ROOT, SOMETIMES_KNOWN, Build, builds, version
from stamps import inputs, is_built, keep

WHEEL = ROOT / "dist/image"
LOGS = ROOT / "dist/image-logs"
BAKE_FILE = ROOT / "images/docker-bake.json"
# One time for every file and layer, not the commit's: a layer whose content stayed the same keeps its digest.
SOURCE_DATE_EPOCH = "1577836800"
SHOWN_LINES = 30


class BuildError(Exception):
    """An image cannot be built; the message has the end of the builder's output."""


def main(names: list[str]) -> int:
    """Build the named images and their bases, or all images without names."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        print(f"no image {', '.join(unknown)}: there are {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    started_s = time.monotonic()
    chosen = wanted(names, from_environment())
    try:
        chosen_builder = builder()
        build_wheel()
        if chosen_builder == "docker":
            bake(chosen)
        else:
            build_all(chosen)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(chosen)} images in {time.monotonic() - started_s:.0f} s")
    return 0


def from_environment() -> list[Build]:
    """Return every image with the values from the environment."""
    return builds(
        os.environ.get("REGISTRY", ""),
        os.environ.get("TAG") or version(),
        arguments(os.environ),
        revision=revision(),
        source=os.environ.get("SOURCE_URL", ""),
    )


def arguments(environ: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """Return the build arguments from the environment, without local folders, which BUILD_FLAGS mounts."""
    names = (*BAKE_ARGS, "BASE_IMAGE")
    return {name: environ[name] for name in names if environ.get(name) and not environ[name].startswith("/")}


def wanted(names: list[str], every: list[Build]) -> list[Build]:
    """Return the named builds and their bases, in the table's order."""
    if not names:
        return every
    keep = set(names)
    for build in reversed(every):
        if build.name in keep and build.base:
            keep.add(build.base)
    return [build for build in every if build.name in keep]


def revision() -> str:
    """Return the commit, with a marker if the working tree has changes; "" outside a git checkout or without git."""
    if not shutil.which("git"):
        return ""
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip()


def builder() -> str:
    """Return `docker` when its daemon answers and buildx is installed, else `buildah`.

    Raises:
        BuildError: neither is installed, or not the one that BUILDER names.
    """
    if chosen := os.environ.get("BUILDER"):
        if chosen in ("docker", "buildah") and shutil.which(chosen):
            return chosen
        raise BuildError(f"BUILDER={chosen}: it is docker or buildah, and must be installed")
    if shutil.which("docker") and all(
        subprocess.run(["docker", *command], capture_output=True, check=False).returncode == 0
        for command in (["info"], ["buildx", "version"])
    ):
        return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise BuildError("no docker daemon answers and there is no buildah: install one of them, then: make images")


def build_wheel() -> None:
    """Build the project as one wheel, reproducibly."""
    shutil.rmtree(WHEEL, ignore_errors=True)
    WHEEL.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(WHEEL), str(ROOT)]
    run(command, "wheel", {"SOURCE_DATE_EPOCH": epoch()})
    for path in WHEEL.iterdir():
        os.utime(path, (int(epoch()), int(epoch())))


def epoch() -> str:
    """Return the timestamp of files and layers, in seconds since 1970."""
    return os.environ.get("SOURCE_DATE_EPOCH") or SOURCE_DATE_EPOCH


def bake(chosen: list[Build]) -> None:
    """Build all of them with docker, in its own order."""
    registry = os.environ.get("REGISTRY", "").rstrip("/")
    variables = {
        "PREFIX": f"{registry}/" if registry else "",
        "TAG": os.environ.get("TAG") or version(),
        "SOURCE_DATE_EPOCH": epoch(),
        **dict.fromkeys(BAKE_ARGS, ""),
        "BASE_IMAGE": BASE_IMAGE,
        **arguments(os.environ),
    }
    if subprocess.run(bake_command(chosen), cwd=ROOT, env={**os.environ, **variables}, check=False).returncode:
        raise BuildError("docker buildx bake failed")


def bake_command(chosen: list[Build]) -> list[str]:
    """Return the command line for docker with the labels that depend on the environment; the bake file has the rest."""
    command = ["docker", "buildx", "bake", "--file", str(BAKE_FILE), "--load"]
    for build in chosen:
        for label in sorted(SOMETIMES_KNOWN & build.labels.keys()):
            command += ["--set", f"{build.name}.labels.{label}={build.labels[label]}"]
    return [*command, *(build.name for build in chosen)]


def build_all(chosen: list[Build]) -> None:
    """Build with buildah: each image once its base is built, as many in parallel as there are cores."""
    jobs = int(os.environ.get("JOBS") or os.cpu_count() or 1)
    todo, done = list(chosen), {""}
    running: dict[Future[str], Build] = {}
    print(f"buildah: {len(chosen)} images, {jobs} at a time")
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while todo or running:
                for build in [build for build in todo if build.base in done]:
                    todo.remove(build)
                    running[pool.submit(buildah, build)] = build
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    print(future.result(), flush=True)
                    done.add(running.pop(future).name)
        finally:
            for future in running:
                future.cancel()


def buildah(build: Build) -> str:
    """Build one image; return its status line: name, seconds, size."""
    started_s = time.monotonic()
    command = buildah_command(build)
    input_hash = inputs(build, command)
    if is_built(build, input_hash):
        seconds = "unchanged"
    else:
        run(command, build.name)
        keep(build, input_hash)
        seconds = f"{time.monotonic() - started_s:.1f} s"
    return f"{build.tags[0]:<40} {seconds:>10}  {megabytes(build.tags[0]):5.0f} MB"


def buildah_command(build: Build) -> list[str]:
    """Return the command line for one image."""
    command = ["buildah", "bud", "--layers", "--timestamp", epoch(), *shlex.split(os.environ.get("BUILD_FLAGS", ""))]
    for name, value in build.args.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in build.labels.items():
        command += ["--label", f"{name}={value}"]
    if build.target:
        command += ["--target", build.target]
    for tag in build.tags:
        command += ["--tag", tag]
    return [*command, "--file", build.dockerfile, build.context]


def run(command: list[str], name: str, environ: dict[str, str] | None = None) -> None:
    """Run a builder with its output in a file.

    Raises:
        BuildError: the builder failed; the message has the end of its output and the path of the full output.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name}.txt"
    with path.open("wb") as output:
        status = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status:
        tail = path.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
        raise BuildError("\n".join([*tail, f"{name} failed ({status}); all of its output: {path.relative_to(ROOT)}"]))


def megabytes(tag: str) -> float:
    """Return the uncompressed size of all layers of an image, in 10^6 bytes.

    Raises:
        BuildError: the builder does not have the image.
    """
    if builder() == "docker":
        result = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return float(json.loads(result.stdout)[0]["Size"]) / 1e6
    else:
        result = subprocess.run(["buildah", "images", "--json", tag], capture_output=True, text=True, check=False)
        if result.returncode == 0:
            number, unit = json.loads(result.stdout)[0]["size"].split()
            return float(number) * {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]
    raise BuildError(f"there is no image {tag}; next: make images")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
