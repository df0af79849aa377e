"""Hand the built images to a cluster, or check their sizes, or push them to a registry.

Reads the table in matrix.py and the environment (REGISTRY, TAG as for build.py). Run alone, after `make images`:

    make images-size                                        sizes against the budgets of the table
    make images-load LOAD="kind load docker-image"          a command that takes image names
    make images-load LOAD_ARCHIVE="kind load image-archive" a command that takes one archive of all images
    make images-push REGISTRY=registry.example.org/docent   to a registry

IMAGES="finetune answer" takes only some. One archive holds a layer that several images share once, so it is much faster
than names where images share PyTorch.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from archive import write_archive
from build import BuildError, builder, from_environment, megabytes
from matrix import BY_NAME, Build


def main(verb: str, names: list[str]) -> int:
    """Do one of size, load, push, with the named images or all."""
    verbs = {"size": sizes, "load": load, "push": push}
    if verb not in verbs or not set(names) <= set(BY_NAME):
        print(f"load.py {'|'.join(verbs)} [NAME...], names are {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    chosen = [build for build in from_environment() if not names or build.name in names]
    if verb != "size":  # the bases hold no docent, so no pod asks for them
        chosen = [build for build in chosen if BY_NAME[build.name].holds_docent]
    try:
        return verbs[verb](chosen)
    except (BuildError, subprocess.CalledProcessError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def sizes(every: list[Build]) -> int:
    """Print each image's size beside its budget; 1 when one is beyond. BUDGETS=no only prints (for CUDA builds)."""
    beyond = []
    print(f"{'image':<24}{'MB':>7}{'budget':>9}")
    for build in every:
        size_mb, budget_mb = megabytes(build.tags[0]), BY_NAME[build.name].budget_mb
        print(f"{build.name:<24}{size_mb:>7.0f}{budget_mb:>9}")
        if size_mb > budget_mb:
            beyond.append(build.name)
    if beyond and os.environ.get("BUDGETS") != "no":
        print(f"beyond the budget: {', '.join(beyond)}; next: images/*/requirements.txt says what they install")
        return 1
    return 0


def load(pods: list[Build]) -> int:
    """Hand the images to LOAD as names, or to LOAD_ARCHIVE as the path of one archive."""
    tags = [tag for build in pods for tag in build.tags]
    started_s = time.monotonic()
    if command := os.environ.get("LOAD_ARCHIVE"):
        # On a disk, not in /tmp, which may be memory: the archive is as large as all layers together.
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
            path = Path(folder) / "images.tar"
            archive(tags, path)
            print(f"archive of {path.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started_s:.0f} s", flush=True)
            subprocess.run([*shlex.split(command), str(path)], check=True, stdout=subprocess.DEVNULL)
    elif command := os.environ.get("LOAD"):
        subprocess.run([*shlex.split(command), *tags], check=True)
    else:
        print('no command to load with: make images-load LOAD="kind load docker-image"', file=sys.stderr)
        return 2
    print(f"{len(tags)} images loaded in {time.monotonic() - started_s:.0f} s")
    return 0


def archive(tags: list[str], path: Path) -> None:
    """Write one archive of all images, under the names that a kubelet looks up."""
    if builder() == "docker":
        subprocess.run(["docker", "save", "--output", str(path), *tags], check=True)
    else:
        write_archive(tags, path)


def push(pods: list[Build]) -> int:
    """Push the images to the registry in their names."""
    if not os.environ.get("REGISTRY"):
        print("no registry: make images-push REGISTRY=registry.example.org/docent", file=sys.stderr)
        return 2
    for build in pods:
        for tag in build.tags:
            tool = ["docker", "push", tag] if builder() == "docker" else ["buildah", "push", tag, f"docker://{tag}"]
            subprocess.run(tool, check=True)
            print(json.dumps({"image": build.name, "pushed": tag}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:]))
