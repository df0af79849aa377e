"""What the report says of a data set that could not be pushed."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from tests.report_run import Story, make_run

from docent.artifacts.pushed import FILE


def test_the_report_says_why_the_data_set_was_not_pushed_and_how_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_TOKEN_OF_THE_MUSEUM", raising=False)
    settings = {"build_dataset": {"push_to": "me/set", "token_env": "HUB_TOKEN_OF_THE_MUSEUM"}}
    index = make_run(Path("runs/demo"), Story(sections=settings))
    said = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", index.read_text(encoding="utf-8"))).split())
    assert "not on the hub (me/set): not pushed: no token in the environment variable HUB_TOKEN_OF_THE_MUSEUM." in said
    assert "docent run --run demo --only build-dataset" in said
    assert Path("runs/demo", FILE).is_file()
