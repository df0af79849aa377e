"""List the images in one table: base, contents and size budget of each.

This module builds nothing: `build.py` passes the table to docker buildx bake or to buildah, and both get the same
contexts, files, arguments and tags. Run it: `python scripts/images/matrix.py` prints the file for `docker buildx bake`
(committed as images/docker-bake.json; `make images-lock` rewrites it).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# By digest, so that the same commit gives the same images; the tag only says which one it was. To update it:
#   skopeo inspect --format '{{.Digest}}' docker://docker.io/library/python:3.11-slim
# and write the answer here and in images/base-cpu/Dockerfile, then: make images-lock. The same command checks it.
BASE_IMAGE = (
    "docker.io/library/python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7"
)
CONTEXT = "."


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        name: folder below images/ and, after `docent-`, its name in a registry.
        base: its base image, "" for BASE_IMAGE.
        extras: extras of pyproject.toml that it contains besides docent's own dependencies.
        budget_mb: maximum size of all layers in 10^6 bytes, uncompressed, with a CPU build of PyTorch.
        description: its OCI description.
        holds_docent: whether its last layer is the project's wheel; bases contain only shared packages.
    """

    name: str
    base: str
    extras: tuple[str, ...]
    budget_mb: int
    description: str
    holds_docent: bool = True


IMAGES = (
    Image("base-cpu", "", (), 200, "Python and what every part of docent needs", holds_docent=False),
    Image("base-gpu", "base-cpu", ("finetune",), 1300, "PyTorch and Transformers", holds_docent=False),
    Image("launcher", "base-cpu", ("launcher", "kubeflow"), 330, "Starts the units of a run and follows them"),
    Image("ingest", "base-cpu", ("ingest",), 450, "Sources to documents and photos"),
    Image("assess-images", "base-cpu", ("assess-images",), 450, "Photos to quality and duplicates"),
    Image("augment-images", "base-cpu", ("augment-images",), 700, "Photos to more photos"),
    Image("assemble", "base-cpu", ("assemble",), 450, "Documents and photos to items and splits"),
    Image("generate-qa", "base-cpu", ("generate-qa",), 250, "Items to questions and answers"),
    Image("curate", "base-cpu", ("curate",), 270, "Questions and answers that hold"),
    Image("build-dataset", "base-cpu", ("build-dataset",), 650, "Pairs and photos to a dataset"),
    Image("finetune", "base-gpu", ("finetune",), 1300, "A dataset to a fine-tuned model"),
    Image("answer", "base-gpu", ("answer",), 1300, "A model's answers to the test questions"),
    Image("score", "base-gpu", ("score",), 1500, "Answers to metrics"),
    Image("report", "base-cpu", ("report",), 250, "All of it to one page"),
)
BY_NAME = {image.name: image for image in IMAGES}


@dataclass(frozen=True)
class Build:
    """One image with every build parameter filled in."""

    name: str
    context: str
    dockerfile: str
    args: dict[str, str]
    tags: tuple[str, ...]
    labels: dict[str, str]
    base: str = ""
    target: str | None = field(default=None)


def reference(name: str, registry: str, tag: str) -> str:
    """Return the name of an image as a pod refers to it; `registry` may be empty."""
    return f"{registry.rstrip('/')}/docent-{name}:{tag}" if registry else f"docent-{name}:{tag}"


def builds(
    registry: str, tag: str, args: dict[str, str] | None = None, *, revision: str = "", source: str = ""
) -> list[Build]:
    """Return every image with its values, bases before the images built on them.

    Args:
        registry: prefix of the names, may be empty.
        tag: tag of all images.
        args: build arguments for all images, such as TORCH_INDEX_URL; empty values are left out.
        revision: the commit, as a label of the images that contain docent. A base with this label would change at every
            commit, and so would all images built on it.
        source: address of the repository, if known.
    """
    given = {key: value for key, value in (args or {}).items() if value}
    every = []
    for image in IMAGES:
        base = reference(image.base, registry, tag) if image.base else given.get("BASE_IMAGE", BASE_IMAGE)
        own = {key: value for key, value in given.items() if key != "BASE_IMAGE"}
        every.append(
            Build(
                name=image.name,
                context=CONTEXT,
                dockerfile=f"images/{image.name}/Dockerfile",
                args={"BASE": base, **own},
                tags=(reference(image.name, registry, tag),),
                labels=labels(image, tag, revision if image.holds_docent else "", source),
                base=image.base,
            )
        )
    return every


def labels(image: Image, tag: str, revision: str = "", source: str = "") -> dict[str, str]:
    """Return the OCI labels; unknown values are left out."""
    values = {
        "title": f"docent-{image.name}",
        "description": image.description,
        "version": tag,
        "revision": revision,
        "source": source,
        "licenses": "Apache-2.0",
    }
    return {f"org.opencontainers.image.{key}": value for key, value in values.items() if value}


def version() -> str:
    """Return docent's version, the default tag; read without importing docent."""
    text = (ROOT / "jobs/docent/__init__.py").read_text(encoding="utf-8")
    match = re.search(r'__version__ = "(.+)"', text)
    if match is None:
        raise SystemExit("jobs/docent/__init__.py has no __version__")
    return match[1]


# Labels that only some checkouts know.
SOMETIMES_KNOWN = {"org.opencontainers.image.revision", "org.opencontainers.image.source"}

# Variables of the bake file, with their defaults: the environment sets them. PREFIX is the registry with its slash.
BAKE_ARGS = ("TORCH_INDEX_URL", "PIP_FIND_LINKS")
BAKE_VARIABLES = {"PREFIX": "", "TAG": version(), "BASE_IMAGE": BASE_IMAGE}


def bake() -> dict[str, Any]:
    """Return the same builds for `docker buildx bake`, with variables in place of the values in `builds`.

    A base is passed as a named context, because bake builds it in the same call and no registry has it yet.
    """
    targets: dict[str, Any] = {}
    for image in IMAGES:
        target: dict[str, Any] = {
            "context": CONTEXT,
            "dockerfile": f"images/{image.name}/Dockerfile",
            "args": {
                "BASE": "base" if image.base else "${BASE_IMAGE}",
                **{name: f"${{{name}}}" for name in BAKE_ARGS},
            },
            "tags": [f"${{PREFIX}}docent-{image.name}:${{TAG}}"],
            "labels": labels(image, "${TAG}"),
        }
        if image.base:
            target["contexts"] = {"base": f"target:{image.base}"}
        targets[image.name] = target
    variables = {**BAKE_VARIABLES, **dict.fromkeys(BAKE_ARGS, "")}
    return {
        "variable": {name: {"default": default} for name, default in variables.items()},
        "group": {"default": {"targets": [image.name for image in IMAGES]}},
        "target": targets,
    }


def bake_text() -> str:
    """Return the text of images/docker-bake.json."""
    return json.dumps(bake(), indent=2) + "\n"


if __name__ == "__main__":
    print(bake_text(), end="")
