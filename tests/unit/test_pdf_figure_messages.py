"""What is said of a picture in a PDF that does not decode: the same at every run."""

import re
from pathlib import Path

from tests.pdf_files import PdfImage, PdfPage, noise, paragraph, read_pdf, text_lines, write_pdf


def test_a_reject_names_no_address_in_memory(tmp_path: Path) -> None:
    page = PdfPage(text_lines(paragraph(80)), images=[PdfImage(noise(), (100, 100, 400, 300))])
    path = write_pdf(tmp_path / "a.pdf", [page])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"/ColorSpace /DeviceRGB", b"/ColorSpace /DeviceXYZ"))
    assert path.read_bytes() != data
    details = [reject.detail for reject in read_pdf(path).rejects]
    assert details and not any(re.search(r"0x[0-9a-f]{6}", detail) for detail in details)
