"""What was filled into a form is text of its page: fields, choices, check boxes, notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pdf_files import Read, read_pdf, stream, write_objects


def form(path: Path, widgets: list[bytes], text: bytes = b"", kind: bytes = b"") -> Path:
    """A page of text with these annotations, those with a field type in the form."""
    numbers = range(7, 7 + len(widgets))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    fields = b" ".join(b"%d 0 R" % number for number, widget in zip(numbers, widgets, strict=True) if b"/FT" in widget)
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R "
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        page + b"/Annots [" + kids + b"] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        stream(text),
        b"<< /Fields [" + fields + b"] /DA (/F1 10 Tf 0 g) /DR << /Font << /F1 4 0 R >> >> " + kind + b">>",
    ]
    made = [b"<< /Type /Annot /P 3 0 R /F 4 %s >>" % widget for widget in widgets]
    return write_objects(path, [*objects, *made])


def field(name: str, box: tuple[int, int, int, int], rest: str, kind: str = "Tx") -> bytes:
    return f"/Subtype /Widget /FT /{kind} /T ({name}) /Rect [{' '.join(map(str, box))}] {rest}".encode("latin-1")


def shown(x: int, y: int, words: str, size: int = 11) -> bytes:
    return f"BT /F1 {size} Tf {x} {y} Td ({words}) Tj ET\n".encode()


def texts(read: Read) -> str:
    return "\n".join(section.text for section in read.document.sections)


TEXT = shown(60, 700, "Object:") + shown(60, 670, "Damage seen") + shown(90, 640, "Insured") + shown(90, 610, "Crated")
ON = "/AS /Yes /V /Yes /AP << /N << /Yes 5 0 R /Off 5 0 R >> >>"
OFF = "/AS /Off /V /Off /AP << /N << /Yes 5 0 R /Off 5 0 R >> >>"
WIDGETS = [
    field("f1", (130, 695, 400, 712), "/V (Octant, signed 1790)"),
    field("f2", (160, 665, 400, 682), "/V (The second\\rarm is bent)"),
    field("f3", (70, 638, 82, 650), ON, "Btn"),
    field("f4", (70, 608, 82, 620), OFF, "Btn"),
    field("courier", (300, 500, 400, 515), "/Ff 131072 /Opt [(North) (South)] /V (South)", "Ch"),
    field("stops", (300, 450, 400, 480), "/Opt [(Quay) (Gate) (Hall)] /V [(Quay) (Hall)] /I [0 2] /Ff 2097152", "Ch"),
    field("empty", (300, 400, 400, 415), ""),
    field("secret", (300, 380, 400, 395), "/Ff 8192 /V (hunter2)"),
    field("f9", (300, 350, 400, 365), "/TU (Registrar) /V (\\376\\377\\000I\\000d\\000a\\000 \\000\\344)"),
    b"/Subtype /FreeText /Rect [60 300 300 320] /DA (/F1 10 Tf) /Contents (Seen again in the spring of 2024.)",
]


@pytest.mark.parametrize("layout", ["classes", "partition", "pictures"])
def test_values_stand_behind_their_labels_or_the_names_of_their_fields(tmp_path: Path, layout: str) -> None:
    read = read_pdf(form(tmp_path / "a.pdf", WIDGETS, TEXT), layout=layout, page_dpi=36)
    said = " ".join(texts(read).split())
    assert read.rejects == []
    for value in (
        "Octant, signed 1790",
        "The second arm is bent",
        "South",
        "Quay, Hall",
        "Ida \u00e4",
        "spring of 2024",
    ):
        assert value in said
    assert "hunter2" not in said and "empty" not in said
    if layout == "classes":
        lines = texts(read).split("\n")
        for line in ("Object: Octant, signed 1790", "Damage seen: The second arm is bent", "Insured: checked"):
            assert line in lines
        assert {"Crated: not checked", "courier: South", "stops: Quay, Hall", "Registrar: Ida \u00e4"} <= set(lines)
        assert "Object: Octant, signed 1790" in [fact.text for fact in read.document.sections[0].facts]


def test_values_are_in_the_text_of_a_long_page_and_of_one_with_no_other_text(tmp_path: Path) -> None:
    long = TEXT + b"".join(
        shown(60, 300 - 14 * n, "The octant was lent to the harbour office in that year.") for n in range(14)
    )
    assert "Object: Octant, signed 1790" in texts(read_pdf(form(tmp_path / "long.pdf", WIDGETS, long)))
    assert "f1: Octant, signed 1790" in texts(read_pdf(form(tmp_path / "bare.pdf", WIDGETS)))


def test_a_radio_button_says_which_one_is_chosen(tmp_path: Path) -> None:
    chosen = field("state", (70, 638, 82, 650), "/Ff 32768 " + ON, "Btn")
    other = field("state2", (70, 608, 82, 620), "/Ff 32768 " + OFF, "Btn")
    said = texts(read_pdf(form(tmp_path / "a.pdf", [chosen, other], TEXT)))
    assert "Insured: checked" in said and "Crated: " not in said
