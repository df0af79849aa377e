"""Documents become a data set, by the pipelines that people copy: the samples, and a report with two tables.

Every figure asserted here is of the documents, read once more by other means: their pages, their lines, their rows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.pdf_report import FIGURE_PAGES, MIXED_PAGES, TEXT_PAGES
from tests.published import published

from docent.launcher.runs.settings import resolved_config
from docent.records import Document, Example, Item, QAPair, Span
from docent.spec import RunStates
from docent.store import Artifact

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "tests" / "fixtures" / "tables"
FIGURE = re.compile(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}|!\[[^\]\n]*\]\([^)\n]*\)")


class Ran:
    """A finished run: its complete units."""

    def __init__(self, run_dir: Path) -> None:
        self.states = RunStates(resolved_config(run_dir), run_dir)

    def unit(self, name: str) -> Artifact:
        found = self.states.of(name).artifact
        assert found is not None, f"{name} is not complete"
        return found

    def documents(self) -> list[Document]:
        return list(self.unit("ingest").rows(Document))

    def examples(self) -> list[Example]:
        return list(self.unit("build-dataset").rows(Example))

    def statistics(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.unit("build-dataset").file("statistics.json").read_text())
        return found


def run(pipeline: str, data: Path, *sets: str) -> Ran:
    options = [f"--set={one}" for one in ("run.workers=2", *sets)]
    command = [
        sys.executable,
        "-m",
        "docent",
        "run",
        f"pipelines/{pipeline}.yaml",
        "--yes",
        "--data",
        str(data),
        *options,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Ran(data / pipeline)


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("manual", tmp_path_factory.mktemp("manual"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("documents", tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def report_folder(report_pdf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report and two tables, and the report once more, torn."""
    folder = tmp_path_factory.mktemp("folder")
    for path in (report_pdf, *TABLES.iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "torn.pdf").write_bytes(report_pdf.read_bytes()[:100_000])
    return folder


@pytest.fixture(scope="module")
def report(report_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_folder(report_folder, ("workshops-en.csv", "workshops-ko.csv"), tmp_path_factory.mktemp("run"))


def run_folder(folder: Path, tables: tuple[str, str], data: Path) -> Ran:
    """All PDFs of a folder and two of its tables, the second in Korean, in one run with all question types."""
    sources = [
        {"kind": "pdf", "path": str(folder)},
        {"kind": "csv", "path": str(folder / tables[0])},
        {"kind": "csv", "path": str(folder / tables[1]), "language": "Korean"},
    ]
    types = 'generate_qa={"types": ["all", "styles"], "temperatures": [0.7], "max_reject_rate": 1}'
    pdf = ["ingest.pdf.clean=false", "ingest.pdf.figure_dpi=72"]
    read = [f"ingest.sources={json.dumps(sources)}", "ingest.max_reject_rate=0.5", *pdf]
    return run("documents", data, *read, types)


def sections_on(document: Document, pages: tuple[int, ...]) -> list[Any]:
    return [section for section in document.sections if section.source.page in pages]


def the_pdf(ran: Ran) -> Document:
    return next(document for document in ran.documents() if document.kind == "pdf")


@pytest.mark.feature("F08", "F09")
def test_pages_are_read_by_their_class(report: Ran) -> None:
    pdf = the_pdf(report)
    assert {section.source.page for section in pdf.sections} == {*TEXT_PAGES, *MIXED_PAGES}
    assert [section.source.page for section in sections_on(pdf, TEXT_PAGES)] == [1, 1, 2, 2, 4, 4, 6, 6, 9]
    assert not [section for section in sections_on(pdf, TEXT_PAGES) if section.figures]


@pytest.mark.feature("F10", "F12")
def test_five_figures_stand_at_their_places(report: Ran) -> None:
    have_five_figures(the_pdf(report))


def have_five_figures(pdf: Document) -> None:
    """Hold five different figures against the mixed pages and the texts that show them."""
    found = [(section.source.page, section, figure) for section in pdf.sections for figure in section.figures]
    assert len({figure.image.sha256 for _, _, figure in found if figure.image}) == 5
    assert [page for page, _, _ in found] == list(FIGURE_PAGES)
    for _, section, figure in found:
        assert figure.token in section.text


@pytest.mark.feature("F15")
def test_rows_of_tables_keep_every_character(report: Ran) -> None:
    hold_all_korean_words(report, TABLES / "workshops-ko.csv", "00321")


def hold_all_korean_words(ran: Ran, table: Path, zip_code: str) -> None:
    """Look in the ten rows of both tables for the Korean words of one and for a number that begins with zeros."""
    rows = [document for document in ran.documents() if document.kind == "row"]
    assert len(rows) == 10
    texts = "\n".join(section.text for document in rows for section in document.sections)
    assert zip_code in texts
    for word in set(re.findall(r"[가-힣]{2,}", table.read_text(encoding="utf-8-sig"))):
        assert word in texts


@pytest.mark.published
@pytest.mark.feature("F08", "F09", "F10", "F12", "F15")
def test_the_published_documents_become_sections_with_their_figures(tmp_path: Path) -> None:
    folder = published("documents")
    ran = run_folder(folder, ("en-store-information.csv", "ko-store-information.csv"), tmp_path)
    pdf = the_pdf(ran)
    assert [len(section.text) for section in sections_on(pdf, TEXT_PAGES)] == pytest.approx(
        [1195, 356, 1190, 857, 1135, 661, 1181, 720, 609], abs=15
    )
    have_five_figures(pdf)
    hold_all_korean_words(ran, folder / "ko-store-information.csv", "04567")
    assert all(stands(span, ran.documents(), [folder]) for example in ran.examples() for span in example.sources)


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8-sig").splitlines())


def stands(span: Span, documents: list[Document], roots: list[Path]) -> bool:
    """Whether a span leads to lines that are there: of the file, or of a page's text as it was read."""
    path = next(path for root in roots if (path := root / span.file).is_file())
    if span.page is None:
        return 1 <= span.first_line <= span.last_line <= lines_of(path)
    import pypdfium2

    inside = [
        section.source
        for document in documents
        for section in document.sections
        if section.source.file == span.file and section.source.page == span.page
    ]
    read = any(one.first_line <= span.first_line <= span.last_line <= one.last_line for one in inside)
    return read and 1 <= span.page <= len(pypdfium2.PdfDocument(path))


@pytest.mark.parametrize("name", ["report", "manual", "samples"])
def test_every_answer_leads_to_lines_of_a_file(name: str, request: pytest.FixtureRequest) -> None:
    ran = request.getfixturevalue(name)
    roots = [request.getfixturevalue("report_folder"), ROOT / "samples/manual", ROOT / "samples/documents"]
    documents, examples = ran.documents(), ran.examples()
    assert len(examples) > 30
    for example in examples:
        assert example.sources
        for span in example.sources:
            assert stands(span, documents, roots)


def test_what_a_fact_says_stands_on_its_lines(manual: Ran) -> None:
    folder = ROOT / "samples" / "manual"
    for document in manual.documents():
        for section in document.sections:
            for fact in section.facts:
                lines = (folder / fact.source.file).read_text().splitlines()
                there = " ".join(lines[fact.source.first_line - 1 : fact.source.last_line])
                first = re.findall(r"\w+", fact.text)[-1]
                assert first in there


@pytest.mark.parametrize(("name", "fewest"), [("report", 8), ("manual", 6), ("samples", 6)])
def test_the_offline_teacher_writes_many_types_and_the_rest_is_listed(
    name: str, fewest: int, request: pytest.FixtureRequest
) -> None:
    statistics = request.getfixturevalue(name).statistics()
    made = {one["question_type"] for one in statistics["by_type"] if one["rows"]}
    assert len(made) >= fewest
    short = {line["question_type"]: line["missing"] for line in statistics["shortfall"]}
    if name != "samples":
        assert {"inference", "application", "hypothetical"} <= short.keys()
    for one in statistics["by_type"]:
        assert one["planned"] == one["made"] + sum(
            line["missing"] for line in statistics["shortfall"] if line["question_type"] == one["question_type"]
        )


@pytest.mark.parametrize("name", ["report", "manual", "samples"])
def test_every_reference_to_a_figure_is_resolved_or_listed(name: str, request: pytest.FixtureRequest) -> None:
    ran = request.getfixturevalue(name)
    listed = [reject.raw for reject in ran.unit("ingest").rejects() if "figure" in reject.reason]
    for section in (section for document in ran.documents() for section in document.sections):
        tokens = {figure.token for figure in section.figures}
        for match in FIGURE.finditer(section.text):
            assert match.group(0) in tokens or match.group(0) in listed
        for figure in section.figures:
            assert figure.image is not None or figure.token in listed


@pytest.mark.feature("F59", "F61")
def test_sums_of_the_statistics_are_the_rows_of_the_files(manual: Ran) -> None:
    statistics, built = manual.statistics(), manual.unit("build-dataset")
    assert statistics["rows"] == len(manual.examples())
    conversations = [
        json.loads(built.file(f"conversations-{split}.json").read_text()) for split in ("train", "validation", "test")
    ]
    assert sum(len(listed) for listed in conversations) == statistics["rows"]
    names = {Path(output.path).name for output in built.success.files if "documents/" in output.path}
    assert len(names) == 2 * statistics["documents"]


@pytest.mark.feature("F50")
def test_section_summaries_are_only_tested_with(manual: Ran) -> None:
    by_split = {split: {e.question_type for e in manual.examples() if e.split == split} for split in ("train", "test")}
    assert by_split["test"] == {"section_summary"}
    assert "section_summary" not in by_split["train"]


def test_figures_of_a_manual_are_shown_and_its_pairs_belong_to_items(manual: Ran) -> None:
    items = {item.id: item for item in manual.unit("assemble").rows(Item)}
    pairs = list(manual.unit("generate-qa").rows(QAPair))
    assert all(pair.item_id in items for pair in pairs)
    assert any(item.figures for item in items.values())


@pytest.mark.feature("F18")
def test_a_pdf_that_cannot_be_read_stops_nothing(report: Ran) -> None:
    assert [reject.raw for reject in report.unit("ingest").rejects() if reject.raw.endswith(".pdf")] == ["torn.pdf"]


def test_every_source_has_its_language(report: Ran) -> None:
    found = {span.file: example.language for example in report.examples() for span in example.sources}
    assert found["workshops-ko.csv"] == "ko"
    assert found["workshops-en.csv"] == found["report.pdf"] == "en"
