"""Whether an image is still what would be built: so that a build of what has not changed takes no time.

buildah has a cache of layers, but to look a `COPY --from` up in it it reads all that would be copied, a gigabyte for
PyTorch.
A stamp, dist/image-stamps/<image>, holds a hash of everything that goes into an image and the id it got.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from matrix import BY_NAME, ROOT, Build

STAMPS = ROOT / "dist/image-stamps"


def inputs(build: Build, command: list[str]) -> str:
    """A hash of what goes into an image: the command, the files it copies, and its base as it is now."""
    folder = ROOT / "images" / build.name
    files = [ROOT / build.dockerfile, ROOT / "images/install.sh", folder / "requirements.txt"]
    if BY_NAME[build.name].holds_docent:
        files += sorted((ROOT / "dist/image").glob("*.whl"))
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()]
    return hashlib.sha256(json.dumps([command, contents, image_id(build.args["BASE"])]).encode()).hexdigest()


def is_built(build: Build, wanted: str) -> bool:
    """Whether the image with these inputs is in buildah's storage under all its tags."""
    try:
        made_from, made = path_of(build).read_text(encoding="utf-8").split()
    except (FileNotFoundError, ValueError):
        return False
    return made_from == wanted and all(image_id(tag) == made for tag in build.tags)


def keep(build: Build, wanted: str) -> None:
    """Note what an image was built from."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    path_of(build).write_text(f"{wanted} {image_id(build.tags[0])}\n", encoding="utf-8")


def path_of(build: Build) -> Path:
    """The stamp of an image; its name and tag make the file's."""
    return STAMPS / build.tags[0].replace("/", "_")


def image_id(name: str) -> str:
    """Id of an image in buildah's storage, "" when it is not there."""
    command = ["buildah", "images", "--quiet", "--no-trunc", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
