"""Plain text as documents: the same in every encoding, every piece with its exact lines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.loading import Loaded, loaded
from tests.pdf_report import lines_of_pages
from tests.published import published

from docent.text.encodings.decode import detect

TEXTS = {
    "ko": "박물관은 매일 아침 아홉 시에 문을 엽니다. 월요일은 쉽니다.\n사진 촬영은 허용됩니다.\n",
    "ja": "当館は午前九時に開館します。\nカメラの使用はご遠慮ください。受付は二階です。\n",
    "de": "Die Öffnungszeiten für Gäste: täglich außer Montag.\nGröße über 3 m, Möbiusband, Äpfel, ÄÖÜ.\n",
    "fr": "L'été, le musée est ouvert jusqu'à vingt heures.\nLa visite guidée coûte cinq francs; c'est déjà bien.\n",
    "ru": "Музей открыт ежедневно, кроме понедельника.\nВход свободный.\n",
    "zh": "博物馆每天上午九点开放,星期一闭馆。\n参观者请勿触摸展品。这是一个很小的博物馆。\n",
}


def load(folder: Path, data: str | bytes, name: str = "a.txt", **text: Any) -> Loaded:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return loaded("txt", path, text=text)


def report_text() -> str:
    """Nine pages of prose."""
    return "\n\n".join("\n".join(lines) for lines in lines_of_pages().values())


def trades() -> str:
    """A list of 156 trades, one to a line."""
    kinds = "Brass Bell Book Cane Clock Glass Gold Iron Lace Marble Paper Silk Wood".split()
    works = "binding carving casting cutting engraving gilding mending painting polishing restoring turning weaving"
    return "".join(f"{kind} {work}\n" for work in works.split() for kind in kinds)


def published_pdf() -> str:
    """The text of the published PDF as far as Latin-1 can say it."""
    import pypdfium2

    pages = pypdfium2.PdfDocument(published("documents/en-imagenet-training.pdf"))
    text = "\n\n".join(page.get_textpage().get_text_range() for page in pages)
    return text.replace("\r\n", "\n").encode("latin-1", "ignore").decode("latin-1").replace("\x02", "")


@pytest.mark.feature("plain-text")
@pytest.mark.parametrize("text", [report_text, trades])
def test_copies_in_other_encodings_decode_alike(tmp_path: Path, text: Callable[[], str]) -> None:
    reads_alike_in_every_encoding(tmp_path, text() + "\nÄpfel für Gäste\n")


@pytest.mark.published
@pytest.mark.feature("plain-text")
def test_copies_of_the_published_pdf_in_other_encodings_decode_alike(tmp_path: Path) -> None:
    reads_alike_in_every_encoding(tmp_path, published_pdf() + "\nÄpfel für Gäste\n")


def reads_alike_in_every_encoding(tmp_path: Path, told: str) -> None:
    """Load a text that ends in `Gäste` in nine encodings and with other line ends."""
    expected = load(tmp_path, told)
    assert expected.rejects == []
    assert expected.sections[-1].text.endswith("Gäste")
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"):
        assert load(tmp_path, told.encode(encoding)).sections == expected.sections, encoding
    for end in ("\r\n", "\r"):
        assert load(tmp_path, told.replace("\n", end)).sections == expected.sections


@pytest.mark.feature("plain-text")
def test_a_list_is_chunked_on_its_lines_and_every_line_is_a_fact(tmp_path: Path) -> None:
    path = tmp_path / "trades.txt"
    path.write_text(trades())
    keeps_every_line(path, 156)


@pytest.mark.published
@pytest.mark.feature("plain-text")
def test_the_published_disciplines_are_chunked_on_their_lines() -> None:
    keeps_every_line(published("qa/disciplines.txt"), 153)


def keeps_every_line(path: Path, count: int) -> None:
    """Load a list in chunks of 500 characters and hold sections and facts against its lines."""
    found = loaded("txt", path, text={"chunk_chars": 500})
    lines = path.read_text().splitlines()
    assert (len(lines), found.documents[0].name, found.documents[0].kind) == (count, path.stem, "text")
    for section in found.sections:
        assert len(section.text) <= 500
        assert section.text.split("\n") == lines[section.source.first_line - 1 : section.source.last_line]
        for fact in section.facts:
            assert fact.text in "\n".join(lines[fact.source.first_line - 1 : fact.source.last_line])
    assert [line for s in found.sections for line in s.text.split("\n")] == lines
    assert [s.title for s in found.sections][:2] == ["part 1", "part 2"]


@pytest.mark.feature("plain-text")
def test_overlapping_pieces_have_exact_lines(tmp_path: Path) -> None:
    text = "\n".join(f"Sentence {n} says that shelf {n} holds {n * 7} boxes." for n in range(80))
    found = load(tmp_path, f"\n\n{text}\n", chunk_chars=400, chunk_overlap_chars=120)
    lines = f"\n\n{text}".split("\n")
    assert len(found.sections) > 10
    for section in found.sections:
        span = "\n".join(lines[section.source.first_line - 1 : section.source.last_line])
        assert section.text in span
        assert section.text.split("\n")[0] in lines[section.source.first_line - 1]
        assert section.text.split("\n")[-1] in lines[section.source.last_line - 1]
        assert section.facts
    pairs = zip(found.sections, found.sections[1:], strict=False)
    assert all(b.source.first_line <= a.source.last_line + 1 for a, b in pairs)


@pytest.mark.parametrize(
    ("language", "encoding", "known_as"),
    [
        ("ko", "cp949", "cp949"),
        ("ko", "euc_kr", "cp949"),
        ("ja", "shift_jis", "cp932"),
        ("de", "latin-1", "cp1252"),
        ("fr", "cp1252", "cp1252"),
    ],
)
def test_old_encodings_are_told_apart(tmp_path: Path, language: str, encoding: str, known_as: str) -> None:
    data = TEXTS[language].encode(encoding)
    assert detect(data) == known_as
    assert load(tmp_path, data).sections == load(tmp_path, TEXTS[language]).sections


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_unicode_is_read_in_every_language_with_and_without_a_mark(language: str, encoding: str) -> None:
    data = TEXTS[language].encode(encoding)
    found = detect(data)
    assert found
    assert data.decode(found) == TEXTS[language]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("ru", "cp1251"), ("ru", "koi8_r"), ("zh", "gb18030"), ("zh", "big5"), ("ja", "euc_jp"), ("ru", "cp866")],
)
def test_other_old_encodings_are_read_with_their_name_and_without(tmp_path: Path, language: str, encoding: str) -> None:
    data = TEXTS[language].encode(encoding, "ignore")
    for given in ("", encoding):
        assert load(tmp_path, data, encoding=given).sections[0].text == data.decode(encoding).strip()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "document without content"),
        (b" \n\n\t\n", "document without content"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00\x00text", "not a text file"),
        (bytes(range(1, 32)) * 40, "not a text file"),
        (b"word " * 500, "document too large"),
    ],
)
def test_a_file_that_is_no_text_is_one_reject_and_the_others_are_read(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "opening-hours.txt").write_text("The museum opens at nine every day but Monday.\n")
    found = loaded("txt", tmp_path, text={"max_mb": 0.002})
    assert (found.reasons, [d.name for d in found.documents]) == ([reason], ["opening hours"])
    assert found.sections[0].facts[0].text == "The museum opens at nine every day but Monday."


def test_an_unknown_encoding_is_refused_by_name(tmp_path: Path) -> None:
    assert load(tmp_path, "text", encoding="no-such").reasons == ["document in an unknown encoding"]
    assert load(tmp_path, "text", encoding="hex").reasons == ["document in an unknown encoding"]
    with pytest.raises(ValueError, match="pattern"):
        load(tmp_path, "text", encoding="utf 8; x")
