"""A photo of 100 megapixels stays within the memory of a pod, in a child process whose peak is read, or is refused."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.photo_files import LIMIT, encoded, four_corners, write

from docent.config.kubernetes import DEFAULT_RESOURCES
from docent.vision.photos import TOO_MANY_PIXELS, PhotoError, examine

SIDE_PX = 9_990
IMPORTS_OF_AUGMENT_KIB = 300 * 1024
"""What a pod of augment-images holds before it opens a photo, which the child process does without."""
# What ingest and assess-images do with one photo; augment-images begins likewise.
USE = """
import sys
from pathlib import Path
from docent.vision.photos import decode, examine
from docent.vision.quality import measure
path = Path(sys.argv[1])
found = examine(path.read_bytes(), 1e8)
picture = decode(path, found.width_px * found.height_px)
measure(picture)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(found.width_px, found.height_px, picture.width, picture.height, peak.split()[1])
"""


def png(side_px: int) -> bytes:
    """A large RGB PNG of equal rows, made without holding its pixels."""
    packer, row = zlib.compressobj(1), b"\0" + bytes(i % 251 for i in range(3 * side_px))
    pixels = b"".join(packer.compress(row) for _ in range(side_px)) + packer.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def jpeg(side_px: int) -> bytes:
    return encoded(Image.linear_gradient("L").resize((side_px, side_px)), "JPEG")


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("make", [jpeg, png])
def test_a_photo_of_a_hundred_megapixels_stays_within_a_pods_memory(
    tmp_path: Path, make: Callable[[int], bytes]
) -> None:
    path = write(tmp_path, "large", make(SIDE_PX))
    command = [sys.executable, "-c", USE, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200).stdout
    width_px, height_px, decoded_width, decoded_height, peak_kib = map(int, said.split())
    assert (width_px, height_px) == (SIDE_PX, SIDE_PX)
    assert decoded_width == decoded_height and 4_000 < decoded_width <= 5_000
    allowed = str(DEFAULT_RESOURCES["default"]["memory"])
    assert allowed.endswith("Gi")
    assert peak_kib + IMPORTS_OF_AUGMENT_KIB < 0.95 * int(allowed.removesuffix("Gi")) * 1024 * 1024


def test_a_progressive_jpeg_whose_coefficients_need_more_memory_has_a_lower_limit() -> None:
    full = encoded(four_corners((120, 100)), "JPEG", progressive=True, subsampling=0)
    with pytest.raises(PhotoError) as caught:
        examine(full, 12_500)
    assert "progressive JPEG" in caught.value.detail
    examine(encoded(four_corners((120, 100)), "JPEG", progressive=True, subsampling=2), 12_500)


def test_formats_whose_decoders_need_more_memory_have_a_lower_limit_and_say_what_to_do() -> None:
    for kind in ("WEBP", "AVIF"):
        data = encoded(four_corners((120, 100)), kind)
        examine(data, 12_000 * 17 / 7 + 10)
        with pytest.raises(PhotoError) as caught:
            examine(data, 12_500)
        assert caught.value.reason == TOO_MANY_PIXELS and "save it as JPEG" in caught.value.detail
    examine(encoded(four_corners((120, 100)), "JPEG"), 12_500)
    assert examine(encoded(four_corners((120, 100)), "WEBP"), LIMIT).width_px == 120


def test_an_animation_counts_more_than_one_picture() -> None:
    frames = [four_corners((120, 100)), four_corners((120, 100)).rotate(90)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(PhotoError) as caught:
        examine(data, 12_500)
    assert "animated GIF" in caught.value.detail
    examine(encoded(frames[0], "GIF"), 12_500)
