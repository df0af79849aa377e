"""Draw the figures of the sample manual.

Writes the PNG files below `samples/manual/` that its Markdown refers to: byte-identical on every run with the same
Pillow, each smaller than 40 KB. Run it: `python scripts/draw-manual-figures.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

MANUAL = Path(__file__).resolve().parent.parent / "samples" / "manual"
SIZE_PX = (720, 480)
PAPER, INK, LINE = "#ffffff", "#1b1f24", "#57606a"
STEEL, GLASS, AMBER, GREEN, ROSE = "#d0d7de", "#ddf4ff", "#ffd8a8", "#b2f2bb", "#ffc9c9"
MAX_BYTES = 40_000
# A label this much higher or lower than its part is led to it from below or above.
LEVEL_PX = 80

Point = tuple[float, float]


def label(draw: ImageDraw.ImageDraw, text: str, at: Point, to: Point | None = None) -> None:
    """Write a word and draw a line from it to the part that it labels."""
    font = ImageFont.load_default(22)
    width = draw.textlength(text, font=font)
    if to:
        beside = not at[0] <= to[0] <= at[0] + width and abs(to[1] - at[1]) < LEVEL_PX
        if beside:
            start = (at[0] + width + 6 if to[0] > at[0] else at[0] - 6, at[1] + 14)
        else:
            start = (at[0] + width / 2, at[1] + 30 if to[1] > at[1] else at[1] - 4)
        draw.line([start, to], fill=LINE, width=2)
        draw.ellipse([to[0] - 4, to[1] - 4, to[0] + 4, to[1] + 4], fill=LINE)
    draw.text(at, text, fill=INK, font=font)


def side_view(draw: ImageDraw.ImageDraw) -> None:
    """Draw the plinth from the side: cover, turntable, drive, base."""
    draw.rectangle([270, 250, 450, 440], fill=STEEL, outline=INK, width=3)
    draw.rectangle([285, 40, 435, 235], fill=GLASS, outline=INK, width=3)
    draw.rectangle([280, 235, 440, 250], fill=AMBER, outline=INK, width=3)
    draw.rectangle([320, 280, 400, 340], fill=ROSE, outline=INK, width=3)
    draw.rectangle([300, 375, 420, 415], fill=GREEN, outline=INK, width=3)
    draw.line([(360, 250), (360, 280)], fill=INK, width=6)
    draw.line([(120, 441), (600, 441)], fill=LINE, width=3)
    label(draw, "glass cover", (40, 100), (310, 120))
    label(draw, "turntable, 40 cm", (500, 190), (425, 242))
    label(draw, "drive with belt", (500, 290), (380, 310))
    label(draw, "base with LUX-2", (40, 370), (320, 395))
    draw.line([(480, 242), (480, 440)], fill=LINE, width=2)
    for end in (242, 440):
        draw.line([(470, end), (490, end)], fill=LINE, width=2)
    label(draw, "95 cm", (500, 370))


def load_zones(draw: ImageDraw.ImageDraw) -> None:
    """Draw the turntable from above with its load zones."""
    for radius, colour in ((200, ROSE), (140, AMBER), (80, GREEN)):
        draw.ellipse([280 - radius, 240 - radius, 280 + radius, 240 + radius], fill=colour, outline=INK, width=3)
    draw.line([(265, 240), (295, 240)], fill=INK, width=3)
    draw.line([(280, 225), (280, 255)], fill=INK, width=3)
    label(draw, "centre mark", (540, 170), (284, 238))
    label(draw, "inner: 12 kg", (540, 230), (340, 262))
    label(draw, "middle: 5 kg", (540, 300), (390, 290))
    label(draw, "outer: empty", (540, 370), (430, 340))


def front_panel(draw: ImageDraw.ImageDraw) -> None:
    """Draw the LUX-2: display, keys, lamp."""
    draw.rounded_rectangle([110, 120, 610, 360], radius=20, fill=STEEL, outline=INK, width=3)
    draw.rectangle([150, 160, 390, 260], fill=GREEN, outline=INK, width=3)
    draw.text((190, 185), "50 lux", fill=INK, font=ImageFont.load_default(46))
    draw.polygon([(450, 230), (480, 170), (510, 230)], fill=PAPER, outline=INK)
    draw.polygon([(450, 260), (480, 320), (510, 260)], fill=PAPER, outline=INK)
    draw.ellipse([545, 175, 575, 205], fill=AMBER, outline=INK, width=3)
    draw.rounded_rectangle([190, 290, 340, 335], radius=10, fill=PAPER, outline=INK, width=3)
    draw.text((228, 299), "MODE", fill=INK, font=ImageFont.load_default(24))
    label(draw, "display", (160, 50), (230, 172))
    label(draw, "arrow keys", (360, 50), (480, 190))
    label(draw, "status lamp", (510, 50), (560, 180))
    label(draw, "mode key", (160, 410), (240, 331))


def belt_path(draw: ImageDraw.ImageDraw) -> None:
    """Draw the belt from above: motor wheel, tensioner, spindle wheel."""
    draw.polygon([(160, 185), (500, 120), (500, 360), (340, 305), (160, 275)], outline=INK, width=8)
    draw.ellipse([115, 185, 205, 275], fill=ROSE, outline=INK, width=3)
    draw.ellipse([380, 120, 620, 360], fill=AMBER, outline=INK, width=3)
    draw.ellipse([315, 295, 375, 355], fill=GREEN, outline=INK, width=3)
    for centre in ((160, 230), (500, 240), (345, 325)):
        draw.ellipse([centre[0] - 5, centre[1] - 5, centre[0] + 5, centre[1] + 5], fill=INK)
    label(draw, "motor wheel", (60, 90), (150, 200))
    label(draw, "spindle wheel", (470, 50), (520, 150))
    label(draw, "tensioner", (220, 410), (345, 340))
    label(draw, "gives way by 4 mm", (230, 40), (330, 152))


FIGURES: dict[str, Callable[[ImageDraw.ImageDraw], None]] = {
    "turntable-plinth/FIGURE_1.1.png": side_view,
    "turntable-plinth/load-zones.png": load_zones,
    "turntable-plinth/FIGURE_2.1.png": front_panel,
    "care/cleaning-and-faults/FIGURE_3.1.png": belt_path,
}


def main() -> None:
    """Draw all figures."""
    for name, drawn in FIGURES.items():
        picture = Image.new("RGB", SIZE_PX, PAPER)
        drawn(ImageDraw.Draw(picture))
        path = MANUAL / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.quantize(64).save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            raise SystemExit(f"{path} is larger than {MAX_BYTES} bytes")
        print(path.relative_to(MANUAL), path.stat().st_size)


if __name__ == "__main__":
    main()
