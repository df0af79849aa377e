"""Write one CycloneDX 1.6 file per image: its Python packages with licences, and its Debian packages.

Reads the built images (each lists its own packages; no lock is read) and the environment (REGISTRY, TAG as for
build.py); writes dist/sbom/docent-<name>.cdx.json. Run alone: `make images-sbom`, after `make images`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from build import BuildError, builder, from_environment
from matrix import ROOT, Build

FOLDER = ROOT / "dist/sbom"
# Runs inside the image. What a package says of its licence is free text unless it has a License-Expression.
LIST_PACKAGES = """
import importlib.metadata as m, json, subprocess
python = []
for d in m.distributions(path=[p for p in __import__("sys").path if p.startswith("/opt/docent")]):
    trove = [c.rpartition(" :: ")[2] for c in d.metadata.get_all("Classifier") or () if c.startswith("License :: ")]
    python.append({"name": d.metadata["Name"], "version": d.version,
        "expression": d.metadata.get("License-Expression"),
        "names": trove or [(d.metadata.get("License") or "").strip().partition("\\n")[0]]})
debian = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\\n"],
    capture_output=True, text=True).stdout.split("\\n")
print(json.dumps({"python": python, "debian": [line.split() for line in debian if line]}))
"""


def main() -> int:
    """Write one file per image."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        for build in from_environment():
            document = bill(build, listed(build.tags[0]))
            path = FOLDER / f"docent-{build.name}.cdx.json"
            path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {len(document['components'])} components")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def listed(tag: str) -> dict[str, Any]:
    """Return the packages of an image, as listed inside it.

    Raises:
        BuildError: the image does not exist.
    """
    if builder() == "docker":
        return json_from(
            ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python", tag, "-c", LIST_PACKAGES]
        )
    created = subprocess.run(["buildah", "from", "--pull-never", tag], capture_output=True, text=True, check=False)
    if created.returncode:
        raise BuildError(f"there is no image {tag}; next: make images")
    container = created.stdout.strip()
    try:
        return json_from(["buildah", "run", container, "--", "python", "-c", LIST_PACKAGES])
    finally:
        subprocess.run(["buildah", "rm", container], capture_output=True, check=False)


def json_from(command: list[str]) -> dict[str, Any]:
    """Return the JSON that a command prints."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"{' '.join(command[:4])} failed: {result.stderr.strip()}; next: make images")
    packages: dict[str, Any] = json.loads(result.stdout)
    return packages


def bill(build: Build, found: dict[str, Any]) -> dict[str, Any]:
    """Return the CycloneDX document of an image; the same image gives the same bytes."""
    version = build.labels["org.opencontainers.image.version"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"docent-{build.name}", "version": version}},
        "components": sorted([*python_components(found), *debian_components(found)], key=lambda part: part["purl"]),
    }


def python_components(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the Python packages, each with its licence where its metadata name one."""
    for package in found["python"]:
        name, version = package["name"], package["version"]
        purl = f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}"
        component = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
        if package["expression"]:
            component["licenses"] = [{"expression": package["expression"]}]
        elif names := [text for text in package["names"] if text]:
            component["licenses"] = [{"license": {"name": text}} for text in names]
        yield component


def debian_components(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the Debian packages of the base image."""
    for name, version, architecture in found["debian"]:
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
        yield {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    sys.exit(main())
