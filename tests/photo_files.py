"""Picture files for tests: four coloured corners, and what cameras, scanners and editors put around them."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageFilter

from docent.llm import chat

CORNERS = ((220, 20, 20), (20, 200, 20), (20, 20, 220), (235, 235, 235))
"""Top left, top right, bottom left, bottom right."""
LIMIT = 100_000_000


def attached(path: Path) -> chat.Image:
    """Return a picture file as it goes with a message to a teacher."""
    return chat.Image(path, hashlib.sha256(path.read_bytes()).hexdigest(), "image/png")


def four_corners(size: tuple[int, int] = (60, 90)) -> Image.Image:
    width, height = size
    made = Image.new("RGB", size)
    for number, color in enumerate(CORNERS):
        left, top = (number % 2) * width // 2, (number // 2) * height // 2
        made.paste(color, (left, top, left + width // 2, top + height // 2))
    return made


def corner_colors(picture: Image.Image) -> list[Any]:
    width, height = picture.size
    places = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))
    return [picture.getpixel((int(x * width), int(y * height))) for x, y in places]


def shows_four_corners(picture: Image.Image, size: tuple[int, int] = (60, 90), tolerance: int = 40) -> bool:
    near = zip(corner_colors(picture), CORNERS, strict=True)
    return picture.size == size and all(
        abs(a - b) <= tolerance for found, want in near for a, b in zip(found, want, strict=True)
    )


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def mosaic(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A soft mosaic with grain: structure enough for hashes, edges enough to be sharp."""
    import random

    rng = random.Random(seed)
    coarse = Image.frombytes("RGB", (8, 6), rng.randbytes(8 * 6 * 3)).resize(size, Image.Resampling.BICUBIC)
    grain = Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3))
    return Image.blend(coarse, grain, 0.15).filter(ImageFilter.SMOOTH)


def tiff(
    values: bytes,
    size: tuple[int, int],
    bits: int = 8,
    order: str = "<",
    planes: int = 1,
    more: Sequence[tuple[int, int, Sequence[int]]] = (),
    deflate: bool = False,
) -> bytes:
    """An RGB TIFF in one strip per plane; `more` are further tags with type (3 short, 4 long) and values."""
    strips = [values[i * len(values) // planes : (i + 1) * len(values) // planes] for i in range(planes)]
    strips = [zlib.compress(strip) for strip in strips] if deflate else strips
    offsets = [8 + sum(len(strip) for strip in strips[:i]) for i in range(planes)]
    tags = [
        (256, 4, [size[0]]),
        (257, 4, [size[1]]),
        (258, 3, [bits] * 3),
        (259, 3, [8 if deflate else 1]),
        (262, 3, [2]),
        (273, 4, offsets),
        (277, 3, [3]),
        (278, 4, [size[1]]),
        (279, 4, [len(strip) for strip in strips]),
        (284, 3, [2 if planes > 1 else 1]),
    ]
    given = {tag for tag, *_ in more}
    entries = sorted([*(tag for tag in tags if tag[0] not in given), *more])
    directory = sum(map(len, strips)) + 8
    behind, body, tail = directory + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, numbers in entries:
        raw = b"".join(struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind], number) for number in numbers)
        cell = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(order + "I", behind + len(tail))
        tail += raw if len(raw) > 4 else b""
        body += struct.pack(order + "HHI", tag, kind, len(numbers)) + cell
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", directory)
    return head + b"".join(strips) + struct.pack(order + "H", len(entries)) + body + bytes(4) + tail


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries changed places: what is stored as green looks red."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * struct.unpack_from(">I", data, 128)[0], 12):
        if data[at : at + 4] == b"rXYZ":
            data[at : at + 4] = b"xxxx"
        elif data[at : at + 4] == b"gXYZ":
            data[at : at + 4] = b"rXYZ"
    return bytes(data.replace(b"xxxx", b"gXYZ", 1))


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
