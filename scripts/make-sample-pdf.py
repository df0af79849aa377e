"""Write samples/documents/orrery-conservation.pdf: a conservation report on a brass orrery, invented for docent.

Reads no files; needs the extra `render`. Six pages: a cover, text, a drawing with its caption and a ruled table. The
output is byte-identical on every run. Run it: `python scripts/make-sample-pdf.py`.
"""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Image as Picture
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "samples" / "documents" / "orrery-conservation.pdf"
TITLE = "Conservation of the Halvorsen Orrery"

# Planet, teeth of its wheel, length of its arm in mm, diameter of its ball in mm.
WHEELS = (("Mercury", 20, 62, 6), ("Venus", 51, 96, 11), ("Earth", 83, 138, 12), ("Mars", 156, 187, 8))

PAGES = (
    (
        "Summary",
        "The Halvorsen Orrery is a table model of the inner solar system, made of brass and walnut in Bergen in 1794 "
        "by the instrument maker Ingrid Halvorsen. The museum bought it in 1931. It shows the Sun and the four inner "
        "planets, and a hand crank on its side drives all of them through one train of wheels.",
        "In the spring of 2023 the crank could no longer be turned. The conservation studio took the orrery apart on 6 "
        "March 2023 and returned it to the gallery on 17 November 2023. The work took 412 hours. It cost 38,600 euros, "
        "of which the Friends of the Museum gave 25,000 euros.",
        "The studio cleaned 148 parts, replaced one broken wheel and consolidated the lacquer of the base. No original "
        "part was thrown away: the broken wheel of Mars is kept in a box below the base, together with the oil that "
        "was removed from the bearings.",
        "The orrery weighs 9.4 kg. Its base is an octagon of walnut, 46 cm wide, and its highest point, the finial "
        "above the Sun, stands 39 cm above the table. The museum's number of the orrery is 1931.27.",
    ),
    (
        "Condition before treatment",
        "A film of dried oil covered all bearings. The oil had been put there in 1958, as a note in pencil below the "
        "base says, and had turned into a brown resin. The resin held the arm of Venus so firmly that turning the "
        "crank bent the arm by 4 degrees.",
        "The wheel of Mars had lost 3 of its 156 teeth. Its brass is cracked along 21 mm beside the gap. X-ray "
        "fluorescence found 31 percent zinc and 2 percent lead in the wheel, while all other wheels hold 24 percent "
        "zinc and less lead. The wheel is therefore probably a repair from the nineteenth century.",
        "The lacquer of the base was lifting on the two sides that had faced a window until 1987. About 90 square "
        "centimetres were loose. Relative humidity in the gallery was between 38 and 61 percent during the year before "
        "treatment, more than the museum allows for lacquered wood.",
        "The ball of the Earth is ivory and shows one crack of 5 mm, which was there already in a photograph of 1931. "
        "The crack has not grown since then, and it was left as it is.",
    ),
    (
        "Treatment",
        "The bearings were freed with isopropanol on cotton swabs. Where that was not enough, the parts lay in white "
        "spirit for 12 hours. No acid and no abrasive was used, because traces of the original gilding remain in the "
        "grooves of the wheels.",
        "A new wheel for Mars was cut from brass with 24 percent zinc. It has 156 teeth, as the old one had, and the "
        "year 2023 is engraved on its lower side so that nobody will mistake it for the original. The new wheel runs "
        "without oil: its bearing is a ring of bronze filled with graphite.",
        "The arm of Venus was straightened at room temperature in 14 steps over 5 days. The lacquer was laid down with "
        "sturgeon glue, 3 percent in water, below a warm spatula of 45 degrees Celsius.",
        "After treatment one turn of the crank moves the Earth by 30 degrees, so that 12 turns are one year. The force "
        "needed at the handle fell from more than 40 newtons, where the studio stopped the test, to 6 newtons.",
    ),
)


def drawing() -> Image.Image:
    """Draw the gear train from above: wheels with their teeth, arms and balls."""
    side = 900
    picture = Image.new("RGB", (side, 640), "white")
    draw = ImageDraw.Draw(picture)
    x, y = side // 2, 320
    for (_, teeth, arm, ball), turn in zip(WHEELS, (200, 310, 25, 150), strict=True):
        radius = arm * 1.55
        for tooth in range(teeth):
            angle = 2 * math.pi * tooth / teeth
            ends = [(x + r * math.cos(angle), y + r * math.sin(angle)) for r in (radius - 7, radius)]
            draw.line([*ends[0], *ends[1]], fill=(120, 84, 20), width=2)
        draw.ellipse((x - radius + 7, y - radius + 7, x + radius - 7, y + radius - 7), outline=(120, 84, 20), width=2)
        angle = math.radians(turn)
        end = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        draw.line([x, y, *end], fill=(60, 60, 60), width=5)
        size = ball * 2
        draw.ellipse((end[0] - size, end[1] - size, end[0] + size, end[1] + size), fill=(60, 90, 150), outline="black")
    draw.ellipse((x - 34, y - 34, x + 34, y + 34), fill=(225, 175, 40), outline="black", width=3)
    return picture.quantize(32).convert("RGB")


def build() -> bytes:
    """Build the PDF."""
    styles = getSampleStyleSheet()
    body = ParagraphStyle("report", parent=styles["BodyText"], fontSize=11, leading=15, spaceAfter=9)
    note = ParagraphStyle("note", parent=body, fontSize=9.5, leading=12)
    head = ParagraphStyle("head", parent=styles["Heading2"], fontSize=16, leading=20, spaceAfter=10)
    title = ParagraphStyle("cover", parent=styles["Title"], fontSize=26, leading=32)
    story = [
        Spacer(1, 6 * cm),
        Paragraph(TITLE, title),
        Paragraph("Report of the conservation studio, museum number 1931.27, December 2023", body),
        PageBreak(),
    ]
    for name, *paragraphs in PAGES:
        story += [Paragraph(name, head), *(Paragraph(text, body) for text in paragraphs), PageBreak()]
    story += [Paragraph("The gear train", head), Paragraph(GEARS, body), _figure(), Paragraph(CAPTION, note)]
    story += [Paragraph(TABLE_TEXT, body), _table(), PageBreak()]
    story += [Paragraph("Care from now on", head), *(Paragraph(text, body) for text in CARE)]
    written = io.BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        title=TITLE,
        author="Conservation studio",
        subject="Report of 2023",
        invariant=1,
        pageCompression=1,
    )
    document.build(story, onFirstPage=_footer, onLaterPages=_footer)
    return written.getvalue()


GEARS = (
    "All four planets hang on one vertical shaft. Each has a wheel of its own below the base plate, and the wheels "
    "drive hollow tubes that turn inside each other. The innermost tube carries Mercury, the outermost Mars. The crank "
    "turns a worm, and the worm drives a wheel of 48 teeth from which all motion comes. The planets stand at their "
    "right distances in no model of this size: the arms only grow from one planet to the next, and the balls show "
    "which planet is larger than another, not by how much."
)
CAPTION = "Figure 1: The four wheels of the Halvorsen Orrery from above, with the arms of the planets."
TABLE_TEXT = "The table gives the measures that the studio took after cleaning. Arms are measured from the shaft."
CARE = (
    "The orrery is turned by hand once a month, 12 turns of the crank, always on the first Monday and always by two "
    "persons. If more than 10 newtons are needed at the handle, it is not turned any more and the studio is called.",
    "Relative humidity in its case is kept between 45 and 55 percent, and light below 50 lux. The case was made "
    "airtight in October 2023, and 2 kg of silica gel below the floor of the case keep the humidity.",
    "No oil is put on any bearing. The ring of bronze in the wheel of Mars needs none, and the other bearings run dry "
    "at the speed of a hand. The next inspection is due in November 2028.",
    "Visitors may turn a copy of the orrery that stands beside the case. The copy was printed in nylon in 2023 and has "
    "the same numbers of teeth as the original, so that it shows the same motions.",
)


def _figure() -> Picture:
    stored = io.BytesIO()
    drawing().save(stored, "PNG")
    stored.seek(0)
    ImageReader(stored)
    stored.seek(0)
    return Picture(stored, width=14 * cm, height=14 * cm * 640 / 900)


def _table() -> Table:
    rows = [("Planet", "Teeth", "Arm (mm)", "Ball (mm)"), *((name, *map(str, rest)) for name, *rest in WHEELS)]
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.7, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 10)])
    return Table(rows, colWidths=[3.5 * cm] * 4, style=grid)


def _footer(canvas: object, document: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)  # type: ignore[attr-defined]
    canvas.drawString(2.5 * cm, 1.2 * cm, f"{TITLE}, page {document.page}")  # type: ignore[attr-defined]


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(build())
    sys.stdout.write(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes\n")
