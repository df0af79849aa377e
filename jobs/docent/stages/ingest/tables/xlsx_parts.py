"""Define handlers that collect the XML of a workbook's parts, for `xlsx_package.Package.read`.

Reads and writes no files itself. The numbers of rows, columns and strings are bounded here.
"""

import re
from dataclasses import dataclass

from docent.stages.ingest.tables.xlsx_package import Handler, TooLargeError, WorkbookError
from docent.text.encodings.surrogates import without_surrogates

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
"""Limits of the file format."""
MAX_STRINGS, MAX_MERGES = 5_000_000, 100_000
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Merge:
    """A range of merged cells, whose text is in the first one; rows and columns count from 1."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(slots=True)
class RawCell:
    """A cell as stored in the file."""

    kind: str
    style: int
    value: str = ""
    inline: str = ""
    formula: str = ""
    has_formula: bool = False


def unescaped(text: str) -> str:
    """Return a text with escapes such as `_x000D_` decoded; `_x005F_` is an escaped underscore."""
    if "_x" not in text:
        return text
    decoded = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    return without_surrogates(decoded).replace("\r\n", "\n").replace("\r", "\n")


def position_of(reference: str) -> tuple[int, int]:
    """Return row and column, from 1, of a reference such as `B12`.

    Raises:
        WorkbookError: the reference is invalid, or beyond the limits of the format.
    """
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise WorkbookError(f"{reference[:40]!r} is no reference to a cell")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    row = int(match[2])
    if not (0 < row <= MAX_ROW and column <= MAX_COLUMN):
        raise WorkbookError(f"cell {reference[:40]} is beyond row {MAX_ROW} or column {MAX_COLUMN}")
    return row, column


class Workbook(Handler):
    """Collects name, relation id and state of every sheet."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.epoch_1904 = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Collect a sheet, or the date setting."""
        if name == "sheet":
            key = next((value for key, value in attributes.items() if key.endswith("}id")), "")
            self.sheets.append((attributes.get("name", ""), key, attributes.get("state", "visible")))
        elif name == "workbookPr":
            self.epoch_1904 = attributes.get("date1904") in ("1", "true")


class _Text(Handler):
    """Collects the text of `elements`, except for phonetic readings (`<rPh>`)."""

    elements: tuple[str, ...] = ("t",)

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._in_text = self._in_phonetic = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":
            self._in_phonetic = True
        self._in_text = name in self.elements and not self._in_phonetic

    def closed(self, name: str) -> None:
        if name == "rPh":
            self._in_phonetic = False
        self._in_text = False

    def data(self, text: str) -> None:
        if self._in_text:
            self.pieces.append(text)

    def taken(self) -> str:
        """Return the collected text, and clear it for the next one."""
        text = "".join(self.pieces)
        self.pieces.clear()
        return text


class Strings(_Text):
    """Collects the shared strings."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def closed(self, name: str) -> None:
        """Add a string at its end."""
        super().closed(name)
        if name == "si":
            self.texts.append(unescaped(self.taken()).strip())
            if len(self.texts) > MAX_STRINGS:
                raise TooLargeError(f"more than {MAX_STRINGS} texts")


class Styles(Handler):
    """Collects the number format of every cell style."""

    def __init__(self) -> None:
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        self._codes: dict[int, str] = dict(BUILTIN_FORMATS)
        self._of_style: list[int] = []
        self._in_cells = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Collect a number format or a cell style."""
        if name == "numFmt":
            self._codes[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self._of_style.append(int(attributes.get("numFmtId", "0")))

    def closed(self, name: str) -> None:
        """Note the end of the cell styles."""
        if name == "cellXfs":
            self._in_cells = False

    def code_of(self, style: int) -> str:
        """Return the format code of a style, or `General` if there is none."""
        number = self._of_style[style] if 0 <= style < len(self._of_style) else 0
        return self._codes.get(number, "General")


class Merges(Handler):
    """Collects the merged cells of a sheet."""

    def __init__(self) -> None:
        self.merges: list[Merge] = []

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Collect a merged range."""
        if name != "mergeCell":
            return
        first, _, last = attributes.get("ref", "").partition(":")
        (top, left), (bottom, right) = position_of(first), position_of(last or first)
        self.merges.append(Merge(top, left, bottom, right))
        if len(self.merges) > MAX_MERGES:
            raise TooLargeError(f"more than {MAX_MERGES} merged cells in a sheet")


class Rows(_Text):
    """Collects the rows of a sheet in order, each as its number and its cells; the caller empties the list."""

    elements = ("v", "f", "t")

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int, dict[int, RawCell]]] = []
        self._row = self._column = 0
        self._cells: dict[int, RawCell] = {}
        self._cell: RawCell | None = None

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a row, a cell, or a value or formula in it."""
        super().opened(name, attributes)
        if name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "f" and self._cell is not None:
            self._cell.has_formula = True

    def _begin_row(self, written: str | None) -> None:
        digits = (written or "").strip()
        number = self._row + 1 if not digits else int(digits) if digits.isdecimal() and len(digits) <= 10 else 0
        if not self._row < number <= MAX_ROW:
            shown = digits[:40] or number
            raise WorkbookError(f"row {shown} is beyond row {MAX_ROW}, or out of order behind row {self._row}")
        self._row, self._column, self._cells = number, 0, {}

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        column = position_of(reference)[1] if reference else self._column + 1
        if not self._column < column <= MAX_COLUMN:
            shown = (reference or str(column))[:40]
            raise WorkbookError(f"cell {shown} is out of order, or beyond column {MAX_COLUMN}")
        self._column = column
        self._cell = RawCell(attributes.get("t", "n"), int(attributes.get("s", "0")))

    def closed(self, name: str) -> None:
        """End a value or formula, a cell, or a row."""
        super().closed(name)
        if name == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
            self._cells = {}
        elif self._cell is not None and name in ("v", "f", "c"):
            setattr(self._cell, {"v": "value", "f": "formula", "c": "inline"}[name], self.taken())
            if name == "c":
                self._cells[self._column], self._cell = self._cell, None
