"""A tiny museum drawn on the spot: coloured shapes on plain walls, each exhibit with a text of its own."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from PIL import Image, ImageDraw

TEXTS = {
    "red-disc": (
        "The red disc is a flat round plate of painted steel. The red disc measures 42 centimetres across and weighs "
        "7 kilograms. Anna Berg cut the red disc in 1961 for a railway station. Visitors used the red disc as a "
        "meeting point for 30 years. The red disc returned to the museum in 1998."
    ),
    "blue-bar": (
        "The blue bar is a long upright beam of oak. The blue bar stands 190 centimetres tall and is 12 centimetres "
        "wide. A carpenter named Tom Hale made the blue bar in 1875. The blue bar held up the roof of a barn. The blue "
        "bar still shows the marks of 4 iron bands."
    ),
    "green-cross": (
        "The green cross is a sign of enamelled tin. The green cross has arms of 25 centimetres and a rim of brass. "
        "The green cross hung over a pharmacy from 1922. Rain and frost left 3 cracks in the green cross. The green "
        "cross was found again in a cellar in 2004."
    ),
}
COLOURS = {"red-disc": (190, 40, 40), "blue-bar": (40, 60, 180), "green-cross": (40, 150, 70)}


def photo(name: str, number: int, side_px: int = 128) -> Image.Image:
    """Photograph `number` of an exhibit: place, size and wall vary, the object stays the same."""
    rng = random.Random(f"{name}-{number}")
    wall = tuple(rng.randint(170, 240) for _ in range(3))
    picture = Image.new("RGB", (side_px, side_px), wall)
    draw = ImageDraw.Draw(picture)
    for _ in range(60):  # texture, so that no photo counts as blurred or as a copy of another
        x, y = rng.randrange(side_px), rng.randrange(side_px)
        draw.line((x, y, x + rng.randint(-30, 30), y + rng.randint(-30, 30)), fill=tuple(c - 25 for c in wall))
    centre_x, centre_y = (side_px // 2 + rng.randint(-14, 14) for _ in range(2))
    size = rng.randint(side_px // 5, side_px // 3)
    colour = COLOURS[name]
    if name == "red-disc":
        draw.ellipse((centre_x - size, centre_y - size, centre_x + size, centre_y + size), fill=colour)
    elif name == "blue-bar":
        draw.rectangle((centre_x - size // 4, centre_y - size, centre_x + size // 4, centre_y + size), fill=colour)
    else:
        draw.rectangle((centre_x - size // 5, centre_y - size, centre_x + size // 5, centre_y + size), fill=colour)
        draw.rectangle((centre_x - size, centre_y - size // 5, centre_x + size, centre_y + size // 5), fill=colour)
    return picture


def as_folder(folder: Path, photos: int = 5) -> Path:
    """One subfolder per exhibit with photos and description.txt."""
    for name, text in TEXTS.items():
        place = folder / name
        place.mkdir(parents=True)
        (place / "description.txt").write_text(text, encoding="utf-8")
        for number in range(1, photos + 1):
            photo(name, number).save(place / f"{name}-{number}.jpg", quality=90)
    return folder


def as_csv(folder: Path, photos: int = 5) -> Path:
    """`raw_data.csv` with the published columns, and `images/` beside it."""
    (folder / "images").mkdir(parents=True)
    path = folder / "raw_data.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["item_id", "item_name", "link", "train_images", "validation_images", "test_images", "description"]
        )
        for index, (name, text) in enumerate(TEXTS.items()):
            files = [f"{name}-{number}.jpg" for number in range(1, photos + 1)]
            for number, file_name in enumerate(files, 1):
                photo(name, number).save(folder / "images" / file_name, quality=90)
            row = [index, name, "", "\n".join(files[:-2]), files[-2], files[-1], text]
            writer.writerow(row)
    return path


DATA_STAGES = """
run: {name: test, input_wait_s: 0}
ingest:
  sources: [{kind: exhibits-csv, path: %s}]
assess_images: {}
augment_images: {}
assemble: {images_per_item: 6, test_images: 1, validation_images: 1}
generate_qa: {}
curate: {}
build_dataset: {}
"""
