"""PDFs that break their reader, or take all memory or time: one page is named, the others are read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pdf_files import PdfImage, PdfPage, noise, read_pdf, stream, text_lines, write_objects, write_pdf

from docent.errors import TemporaryError
from docent.stages.ingest.pdf import process as pdf_process

ROOT = Path(__file__).parents[2]
LINES = ["The octant was lent to the harbour office in 1911 and came back."] * 3
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit of memory")


def endless(path: Path) -> Path:
    """Three pages, the second of which shows a form that shows itself twice."""
    kids = b"[3 0 R 4 0 R 5 0 R]"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 6 0 R >> "
    page += b"/XObject << /X 7 0 R >> >> /Contents %d 0 R >>"
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 7 0 R >> >>"
    words = stream(b"BT /F1 11 Tf 60 700 Td (The octant was lent to the harbour office in 1911.) Tj ET")
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 3 /Kids " + kids + b" >>"]
    objects += [page % 8, page % 9, page % 8, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    return write_objects(path, [*objects, stream(b"/X Do /X Do", form), words, stream(b"/X Do")])


@linux_only
def test_a_form_that_shows_itself_costs_its_page_and_bounded_memory(tmp_path: Path) -> None:
    endless(tmp_path / "a.pdf")
    write_pdf(tmp_path / "b.pdf", [PdfPage(text_lines(LINES))])
    code = """
import resource, sys
from pathlib import Path
from docent.stages.ingest.pdf.process import close
from tests.pdf_files import read_pdf
read = read_pdf(Path(sys.argv[1]), max_memory_mb=80)
close()
print([[s.source.page for s in d.sections] for d in read.documents])
print(*[(r.reason, r.raw, r.detail) for r in read.rejects])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    pages, rejects, peak_kib = done.stdout.strip().split("\n")
    assert pages == "[[1, 3], [1]]"
    assert rejects.startswith("('page cannot be read', 'a.pdf page 2'") and "ingest.pdf.max_memory_mb" in rejects
    assert int(peak_kib) < 400_000


def test_a_page_that_takes_too_long_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    pdf_process.close()
    read = read_pdf(endless(tmp_path / "a.pdf"), page_timeout_s=1.0, max_memory_mb=4000)
    assert [section.source.page for section in read.document.sections] == [1, 3]
    (reject,) = read.rejects
    assert reject.raw == "a.pdf page 2" and "ingest.pdf.page_timeout_s" in reject.detail


def test_what_a_file_gives_does_not_depend_on_the_files_before_it(tmp_path: Path) -> None:
    for name in ("a.pdf", "c.pdf"):
        write_pdf(
            tmp_path / name, [PdfPage(text_lines(LINES)), PdfPage(images=[PdfImage(noise(), (50, 100, 300, 200))])]
        )
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 torn")
    first, second = read_pdf(tmp_path).documents
    assert [section.text for section in first.sections] == [section.text for section in second.sections]
    assert len(first.sections) == 2


def end_children(monkeypatch: pytest.MonkeyPatch, by: signal.Signals) -> None:
    """Let every child be ended by a signal as soon as it has begun."""
    pdf_process.close()
    begun = pdf_process.subprocess.Popen

    def killed(*args: object, **named: object) -> subprocess.Popen[bytes]:
        process = begun(*args, **named)  # type: ignore[call-overload]
        os.kill(process.pid, by)
        return process

    monkeypatch.setattr(pdf_process.subprocess, "Popen", killed)


def test_a_crash_of_the_reader_is_a_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_children(monkeypatch, signal.SIGSEGV)
    (reject,) = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text_lines(LINES))])).rejects
    assert (reject.reason, reject.raw) == ("PDF cannot be read", "a.pdf")
    assert "SIGSEGV" in reject.detail


def test_a_child_that_something_else_ended_is_no_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pdf(tmp_path / "a.pdf", [PdfPage(text_lines(LINES))])
    end_children(monkeypatch, signal.SIGKILL)
    with pytest.raises(TemporaryError, match="SIGKILL") as raised:
        read_pdf(path)
    assert "a.pdf" in str(raised.value)


def test_the_child_sees_no_secret_and_prints_nothing_among_its_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-readers")
    pdf_process.close()
    read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text_lines(LINES))]))
    (child,) = pdf_process._children.values()
    if sys.platform == "linux":
        assert b"not-for-readers" not in Path(f"/proc/{child.process.pid}/environ").read_bytes()
    pdf_process.close()
    assert child.process.poll() is not None


def test_a_password_is_named_with_the_way_out(tmp_path: Path) -> None:
    from tests.unit.test_pdf import encrypted

    (tmp_path / "locked.pdf").write_bytes(encrypted())
    (reject,) = read_pdf(tmp_path / "locked.pdf").rejects
    assert reject.reason == "PDF is encrypted" and "password" in reject.detail
