"""Write distinct PNG files of 1.0 MB for workloads with pictures.

Writes them and `images.jsonl` (path and SHA-256 of each) into a folder; imported by `generate.py`.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from pathlib import Path

SIDE = 577


def png(seed: int) -> bytes:
    """Return a valid PNG of SIDE x SIDE random pixels, stored without compression: 999,5xx bytes."""
    row_bytes = SIDE * 3
    noise = random.Random(seed).randbytes(SIDE * row_bytes)
    lines = b"".join(b"\0" + noise[at : at + row_bytes] for at in range(0, len(noise), row_bytes))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 0)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make(folder: Path, count: int) -> None:
    """Write `count` pictures and their list."""
    with (folder / "images.jsonl").open("w", encoding="utf-8") as listed:
        for index in range(count):
            data, path = png(index), folder / f"{index:05d}.png"
            path.write_bytes(data)
            listed.write(json.dumps({"path": str(path), "sha256": hashlib.sha256(data).hexdigest()}) + "\n")
