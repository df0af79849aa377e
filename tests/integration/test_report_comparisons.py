"""The paired comparisons of the report, in the words for what the run is about."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report_run import make_run

from docent.stages import report
from docent.stages.report import page
from docent.stages.report.facts import Facts
from docent.stages.report.inputs.subject import Subject


def metrics_compared(shown: str) -> set[str]:
    """The first column of the table of paired comparisons."""
    table = re.search(r'aria-label="Paired comparisons">.*?</table>', shown, re.DOTALL)
    assert table
    return {html.unescape(found) for found in re.findall(r"<tr><td>(.*?)</td>", table[0])}


def test_metrics_are_called_in_paired_comparisons_as_in_the_table_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[Facts] = []

    def render(facts: Facts) -> str:
        gathered.append(facts)
        return page.render(facts)

    monkeypatch.setattr(report, "render", render)
    of_exhibits = make_run(tmp_path / "demo").read_text(encoding="utf-8")
    assert "Right exhibit" in metrics_compared(of_exhibits)
    evidence = replace(gathered[0].evidence, subject=Subject(documents=1, sections=9))
    of_documents = page.render(replace(gathered[0], evidence=evidence))
    assert "Right section" in metrics_compared(of_documents)
    assert not any("exhibit" in title.lower() for title in metrics_compared(of_documents))
