"""Write tests/fixtures/two-halves.heic, left half red and right half blue, for the tests of HEIC photos.

Needs `pip install pillow-heif`, which no extra of docent installs: its wheels hold an encoder under the GPL.
"""

from pathlib import Path

import pillow_heif
from PIL import Image

TARGET = Path(__file__).parents[1] / "tests/fixtures/two-halves.heic"

pillow_heif.register_heif_opener()
picture = Image.new("RGB", (48, 32), (200, 30, 30))
picture.paste((30, 30, 200), (24, 0, 48, 32))
picture.save(TARGET, quality=50)
