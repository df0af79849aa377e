"""Remember what each image was built from, so that an unchanged image is not built again.

buildah has a cache of layers, but to look up a `COPY --from` in it, it reads all that would be copied, a gigabyte for
PyTorch. A stamp, dist/image-stamps/<image>, holds a hash of everything that goes into an image, and the image's id.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from matrix import BY_NAME, ROOT, Build

STAMPS = ROOT / "dist/image-stamps"


def inputs(build: Build, command: list[str]) -> str:
    """Return a hash of what goes into an image: the command, the files it copies, and its current base."""
    folder = ROOT / "images" / build.name
    files = [ROOT / build.dockerfile, ROOT / "images/install.sh", folder / "requirements.txt"]
    if BY_NAME[build.name].holds_docent:
        files += sorted((ROOT / "dist/image").glob("*.whl"))
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()]
    return hashlib.sha256(json.dumps([command, contents, image_id(build.args["BASE"])]).encode()).hexdigest()


def is_built(build: Build, wanted: str) -> bool:
    """Whether the image with these inputs is in buildah's storage under all its tags."""
    try:
        input_hash, image = path_of(build).read_text(encoding="utf-8").split()
    except (FileNotFoundError, ValueError):
        return False
    return input_hash == wanted and all(image_id(tag) == image for tag in build.tags)


def keep(build: Build, wanted: str) -> None:
    """Record what an image was built from."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    path_of(build).write_text(f"{wanted} {image_id(build.tags[0])}\n", encoding="utf-8")


def path_of(build: Build) -> Path:
    """Return the path of an image's stamp, named after its name and tag."""
    return STAMPS / build.tags[0].replace("/", "_")


def image_id(name: str) -> str:
    """Return the id of an image in buildah's storage, "" when it does not exist."""
    command = ["buildah", "images", "--quiet", "--no-trunc", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
