"""Prove that the output of `docent convert chat --for NAME` passes the trainers' own loaders.

Installs trl, llamafactory, ms-swift and openai without their dependencies into a temporary folder (torch, transformers
and datasets come from the environment; an empty module replaces torchaudio, since no audio is loaded), makes a chat
file with pictures in many formats, converts it for each, checks it with `docent validate --for`, and has each trainer's
own code read all rows. TRL also trains one step. Writes the results, with versions, to docs/proofs.json.
Run it: `.venv/bin/python scripts/prove/trainer_formats.py`. It takes some minutes and needs a package index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kills import note
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "scripts" / "prove" / "trainers"
PACKAGES = {
    "openai": ["openai"],
    "trl": ["trl"],
    "llama-factory": ["llamafactory", "omegaconf", "antlr4-python3-runtime==4.9.3"],
    "ms-swift": [
        "ms-swift", "modelscope", "modelscope_hub", "cryptography", "cffi", "pycparser", "json_repair", "addict",
        "dacite", "binpacking", "sortedcontainers",
    ],
}  # fmt: skip
ROTATED, GPS, MAKER = 6, 0x8825, 0x010F


def make_pictures(folder: Path) -> list[str]:
    """Write pictures in common formats: BMP, GIF, TIFF, CMYK, grey, transparent, rotated with GPS data."""
    folder.mkdir()
    plain = Image.radial_gradient("L").resize((96, 64))
    exif = Image.Exif()
    exif[0x0112], exif[MAKER] = ROTATED, "Camera"
    exif.get_ifd(GPS)[1] = "N"
    forms = {"rgb.jpg": "RGB", "cmyk.jpg": "CMYK", "bitmap.bmp": "RGB", "gif.gif": "P", "scan.tif": "CMYK"}
    forms |= {"grey.png": "L", "clear.png": "RGBA", "side.jpg": "RGB"}
    for name, mode in forms.items():
        plain.convert(mode).save(folder / name, **({"exif": exif} if name == "side.jpg" else {}))
    return [f"{folder.name}/{name}" for name in forms]


def make_chat(folder: Path) -> tuple[Path, int]:
    """Write a chat file of picture rows, a long conversation and text rows; return it and the number of valid rows."""
    names = make_pictures(folder / "images")
    rows = [conversation([name], 1, "A gradient.") for name in names]
    rows += [conversation(names[:1], 12, "The same gradient."), conversation(names[:2], 1, "Two of them.")]
    rows += [conversation([], 2, "Text alone.")] * 2
    good = len(rows)
    rows.append(conversation(names[:1], 1, "Write <image> here, and end with <|im_end|>."))
    path = folder / "chat.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path, good


def conversation(names: list[str], turns: int, answer: str) -> dict[str, object]:
    """Return a conversation in which every question shows the same pictures."""
    shown = [{"type": "image_url", "image_url": {"url": name}} for name in names]
    question = {"role": "user", "content": [*shown, {"type": "text", "text": "What is this?"}]}
    return {"messages": [question, {"role": "assistant", "content": answer}] * turns}


def install(trainer: str, folder: Path) -> tuple[Path, str]:
    """Install a trainer without dependencies; return its folder and version."""
    target = folder / f"{trainer}-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*command, *PACKAGES[trainer]], check=True)
    (target / "torchaudio.py").write_text('"""Stands for torchaudio: no sound is loaded."""\n', encoding="utf-8")
    (info,) = target.glob(f"{PACKAGES[trainer][0].replace('-', '_')}-*.dist-info")
    return target, info.name.removesuffix(".dist-info").rpartition("-")[2]


def read_by(trainer: str, packages: Path, arguments: list[str], folder: Path) -> dict[str, object]:
    """Read a file with a trainer's own code; return what it reports."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
        "MODELSCOPE_CACHE": str(folder / "modelscope"),
        "DISABLE_VERSION_CHECK": "1",
        "ROOT_IMAGE_DIR": str(folder),
    }
    command = [sys.executable, str(CHECKS / f"{trainer.replace('-', '_')}_rows.py"), *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{trainer} does not read the file:\n{done.stderr[-3000:]}")
    seen: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return seen


def main() -> int:
    """Convert for each trainer, validate, and read the file with the trainer's code."""
    seen: dict[str, object] = {}
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        chat, good = make_chat(folder)
        for trainer in PACKAGES:
            name = trainer.replace("-", "_")
            out = folder / (f"{name}.parquet" if trainer == "trl" else f"{name}.jsonl")
            docent = [sys.executable, "-m", "docent"]
            subprocess.run([*docent, "convert", "chat", str(chat), str(out), "--for", trainer], cwd=ROOT, check=True)
            checked = subprocess.run([*docent, "validate", "--for", trainer, str(out)], cwd=ROOT, check=False)
            packages, version = install(trainer, folder)
            arguments = {
                "trl": [str(out), str(ROOT / "samples" / "docent-tiny"), str(folder / "trained")],
                "llama-factory": [str(folder), out.stem, str(folder / "cache")],
            }.get(trainer, [str(out)])
            report = read_by(trainer, packages, arguments, folder)
            seen[trainer] = {"version": version, **report}
            failed = failed or checked.returncode != 0 or report["rows"] != good
    note("trainer_formats", seen)
    print(json.dumps(seen, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
