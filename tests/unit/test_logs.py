"""Logging: the level, JSON lines in pods, and the tail that outlives a killed process."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from docent.logs import TAIL_BYTES, attach_tail, configure


@pytest.mark.feature("logging")
def test_in_a_pod_every_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    logging.getLogger("docent.x").info("two\nlines")
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"]) == ("INFO", "two\nlines")


@pytest.mark.feature("logging")
def test_the_environment_decides_level_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", {"LOG_LEVEL": "warning", "LOG_FILE": str(tmp_path / "log.txt")})
    logging.getLogger("docent.x").info("quiet")
    logging.getLogger("docent.x").warning("loud")
    assert "quiet" not in capsys.readouterr().err
    assert (tmp_path / "log.txt").read_text().endswith("WARNING loud\n")


def test_the_tail_is_there_at_once_and_stays_short(tmp_path: Path) -> None:
    configure("INFO", {})
    attach_tail(tmp_path / "tail.txt")
    logging.getLogger("docent.x").info("first")
    assert "first" in (tmp_path / "tail.txt").read_text()
    for number in range(3000):
        logging.getLogger("docent.x").info("line %d %s", number, "x" * 80)
    assert (tmp_path / "tail.txt").stat().st_size <= 2 * TAIL_BYTES + 200
    assert "line 2999" in (tmp_path / "tail.txt").read_text()
