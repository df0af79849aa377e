"""Write one archive (OCI layout) of many images from buildah's storage, with each layer once and uncompressed.

`buildah push` can write one image at a time, with all its layers, and to an OCI layout only compressed: images that
share a gigabyte would each be compressed and written. So a layer is exported from one image that has it and kept below
dist/image-layers/ for the next time; the rest of the layout, a few small JSON files, is written here.
Used by load.py; reads buildah's storage, writes the archive and dist/image-layers/.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from build import BuildError
from matrix import ROOT

LAYERS = ROOT / "dist/image-layers"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Stored:
    """An image in buildah's storage: its name, and its manifest and configuration as they are stored."""

    tag: str
    manifest: bytes
    config: bytes

    @property
    def layers(self) -> dict[str, int]:
        """Digest (hexadecimal) and bytes of every layer."""
        found = json.loads(self.manifest)["layers"]
        return {layer["digest"].removeprefix("sha256:"): int(layer["size"]) for layer in found}


def write_archive(tags: list[str], path: Path) -> None:
    """Write the images to one tar archive that `ctr images import` and `kind load image-archive` read.

    Raises:
        BuildError: an image does not exist, or its storage is not as expected.
    """
    images = [stored(tag) for tag in tags]
    take_layers(images)
    manifests = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": f"sha256:{digest(image.manifest)}",
            "size": len(image.manifest),
            "annotations": {"org.opencontainers.image.ref.name": full_name(image.tag)},
        }
        for image in images
    ]
    small = {"oci-layout": json_bytes({"imageLayoutVersion": "1.0.0"})}
    small["index.json"] = json_bytes({"schemaVersion": 2, "manifests": manifests})
    small |= {f"blobs/sha256/{digest(blob)}": blob for image in images for blob in (image.manifest, image.config)}
    with tarfile.open(path, "w") as tar:
        for name, content in small.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
        for layer in sorted({layer for image in images for layer in image.layers}):
            tar.add(LAYERS / layer, f"blobs/sha256/{layer}")


def stored(tag: str) -> Stored:
    """Read one image of buildah's storage."""
    command = ["buildah", "inspect", "--type", "image", tag]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"there is no image {tag}; next: make images")
    found = json.loads(result.stdout)
    image = Stored(tag, found["Manifest"].encode(), found["Config"].encode())
    manifest: dict[str, Any] = json.loads(image.manifest)
    if manifest["config"]["digest"] != f"sha256:{digest(image.config)}" or manifest.get("mediaType") != OCI_MANIFEST:
        raise BuildError(f"{tag} is not stored as an OCI image; next: make images-load LOAD=... takes names instead")
    return image


def take_layers(images: list[Stored]) -> None:
    """Export every layer of the images to LAYERS, and delete there what none of them has."""
    LAYERS.mkdir(parents=True, exist_ok=True)
    needed = {layer for image in images for layer in image.layers}
    for path in LAYERS.iterdir():
        if path.name not in needed:
            path.unlink()
    while missing := needed - {path.name for path in LAYERS.iterdir()}:
        push_layers(min(images, key=lambda image: effort(image, missing)), missing)


def effort(image: Stored, missing: set[str]) -> tuple[float, int]:
    """Return the bytes to write per missing byte when an image is pushed; among equals the largest comes first."""
    gained_bytes = sum(size for layer, size in image.layers.items() if layer in missing)
    total = sum(image.layers.values())
    return (total / gained_bytes if gained_bytes else float("inf"), -total)


def push_layers(image: Stored, missing: set[str]) -> None:
    """Push one image, and keep its missing layers."""
    with tempfile.TemporaryDirectory(dir=LAYERS.parent) as folder:
        command = ["buildah", "push", "--quiet", "--disable-compression", image.tag, f"dir:{folder}/image"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BuildError(f"buildah push {image.tag}: {result.stderr.strip()}")
        for layer in missing & image.layers.keys():
            shutil.move(f"{folder}/image/{layer}", LAYERS / layer)


def full_name(tag: str) -> str:
    """Return an image's name as container runtimes complete it: `docent-x:1` is `docker.io/library/docent-x:1`."""
    first, slash, _ = tag.partition("/")
    if not slash:
        return f"docker.io/library/{tag}"
    return tag if "." in first or ":" in first or first == "localhost" else f"docker.io/{tag}"


def digest(content: bytes) -> str:
    """Return the sha256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def json_bytes(value: Any) -> bytes:
    """Return canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
