"""Read the values of a PDF form as pieces of text with their places, each after its label on the page.

Covers text fields, choices, check boxes, radio buttons, and notes on the page. Passwords, push buttons and signatures
are left out. An empty field has no value; the value of a check box is whether it is checked. Reads pages through
PDFium.
"""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pypdfium2.raw as pdfium

from docent.stages.ingest.pdf.page.classes import Box, Sheet
from docent.stages.ingest.pdf.page.fragments import Fragment
from docent.text.encodings.invisible import without_invisible

MAX_ANNOTATIONS, MAX_VALUE_CHARS = 20_000, 20_000
_PASSWORD, _RADIO, _PUSH_BUTTON = 1 << 13, 1 << 15, 1 << 16
_HIDDEN = 1 << 1 | 1 << 5
_TEXT_FIELDS = (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
_LABEL_REACH_PT = 250.0
_TYPICAL_SIZE_PT = 10.0


@dataclass(frozen=True)
class Value:
    """Value of one form field.

    Attributes:
        name: the field's label for users, or else its technical name, or "" for a note on the page.
        text: the field's value.
        is_button: whether it is a check box or radio button, whose label is to its right.
    """

    name: str
    text: str
    box: Box
    is_button: bool = False


def values_of(sheet: Sheet, form: Any) -> list[Value]:
    """Return the values on a page, from top to bottom; `form` is the handle of the form, or None if there is none."""
    values: list[Value] = []
    for number in range(min(pdfium.FPDFPage_GetAnnotCount(sheet.page.raw), MAX_ANNOTATIONS)):
        note = pdfium.FPDFPage_GetAnnot(sheet.page.raw, number)
        if not note:
            continue
        try:
            if (value := _value(note, form, sheet)) is not None:
                values.append(value)
        finally:
            pdfium.FPDFPage_CloseAnnot(note)
    return sorted(values, key=lambda value: (-value.box.top, value.box.left))


def _value(note: Any, form: Any, sheet: Sheet) -> Value | None:
    kind = pdfium.FPDFAnnot_GetSubtype(note)
    if kind not in (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT):
        return None
    if pdfium.FPDFAnnot_GetFlags(note) & _HIDDEN:
        return None
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(note, ctypes.byref(rect)):
        return None
    (left, right), (bottom, top) = sorted((rect.left, rect.right)), sorted((rect.bottom, rect.top))
    box = sheet.view.box(left, bottom, right, top)
    if kind == pdfium.FPDF_ANNOT_FREETEXT:
        text = _text(lambda *args: pdfium.FPDFAnnot_GetStringValue(note, b"Contents", *args))
        return Value("", text, box) if text else None
    return _field(note, form, box) if form is not None else None


def _field(note: Any, form: Any, box: Box) -> Value | None:
    """Return the value of a form field, or None if it is empty or not read."""
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, note)
    flags = pdfium.FPDFAnnot_GetFormFieldFlags(form, note)
    name = _text(lambda *args: pdfium.FPDFAnnot_GetFormFieldAlternateName(form, note, *args))
    name = name or _text(lambda *args: pdfium.FPDFAnnot_GetFormFieldName(form, note, *args))
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        checked = bool(pdfium.FPDFAnnot_IsChecked(form, note))
        if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON and not checked:
            return None
        return Value(name, "checked" if checked else "not checked", box, is_button=True)
    is_password = kind == pdfium.FPDF_FORMFIELD_TEXTFIELD and flags & _PASSWORD
    if kind not in _TEXT_FIELDS or is_password:
        return None
    text = _selected(note, form) if kind == pdfium.FPDF_FORMFIELD_LISTBOX else ""
    text = text or _text(lambda *args: pdfium.FPDFAnnot_GetFormFieldValue(form, note, *args))
    return Value(name, text, box) if text else None


def _selected(note: Any, form: Any) -> str:
    """Return the selected options of a list box."""
    options = range(min(max(pdfium.FPDFAnnot_GetOptionCount(form, note), 0), 1000))
    chosen = [number for number in options if pdfium.FPDFAnnot_IsOptionSelected(form, note, number)]
    return ", ".join(_text(lambda *args, n=n: pdfium.FPDFAnnot_GetOptionLabel(form, note, n, *args)) for n in chosen)


def _text(ask: Callable[..., int]) -> str:
    """Return a PDFium string on one line; the first call returns its size, the second one writes it as UTF-16."""
    size = min(ask(None, 0), 2 * MAX_VALUE_CHARS + 2)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    ask(buffer, size)
    written = bytes(buffer).decode("utf-16-le", "replace").partition("\x00")[0]
    shown = "".join(character if character.isprintable() else " " for character in without_invisible(written))
    return " ".join(shown.split()).replace("{{FIGURE_p", "{(FIGURE_p")


def with_values(fragments: Sequence[Fragment], values: Sequence[Value]) -> list[Fragment]:
    """Return the pieces of a page's text, each value after its label, or after the field's name if no label fits."""
    pieces = list(fragments)
    for value in values:
        label = _label_of(value, pieces) if value.name else None
        if label is None:
            text = f"{value.name}: {value.text}" if value.name else value.text
            pieces.append(Fragment(text, value.box, _TYPICAL_SIZE_PT, 0))
            continue
        a, b, text = pieces[label].box, value.box, f"{pieces[label].text.rstrip(' :.…_')}: {value.text}"
        # Keep to the label's height: a field may reach into the lines above and below.
        box = Box(min(a.left, b.left), max(a.bottom, b.bottom - 2.0), max(a.right, b.right), min(a.top, b.top + 2.0))
        pieces[label] = replace(pieces[label], text=text, box=box)
    return pieces


def _label_of(value: Value, fragments: Sequence[Fragment]) -> int | None:
    """Return the index of the nearest text next to a field: right of a check box, or left of any other field."""
    best: tuple[float, int] | None = None
    middle = value.box.middle
    for number, fragment in enumerate(fragments):
        box = fragment.box
        beside = box.bottom <= middle <= box.top or value.box.bottom <= box.middle <= value.box.top
        gap = box.left - value.box.right if value.is_button else value.box.left - box.right
        if beside and fragment.line and -3.0 <= gap <= _LABEL_REACH_PT and (best is None or gap < best[0]):
            best = gap, number
    if best is None:
        return None
    # Text as long as a sentence, or text that has a value already, is not a label.
    text = fragments[best[1]].text
    return None if len(text) > 120 or (": " in text and not value.is_button) else best[1]
