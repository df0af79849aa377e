"""What `docent gc` takes for garbage."""

from __future__ import annotations

import json
import os
from pathlib import Path

from docent.artifacts.listings import SUCCESS
from docent.launcher.runs.garbage import find_garbage


def test_what_a_newer_configuration_has_begun_is_no_garbage(tmp_path: Path) -> None:
    unit = tmp_path / "finetune-lora"
    complete = "c0ffee0000"
    for folder in ("older", complete, "newer"):
        (unit / folder / "checkpoints").mkdir(parents=True)
    success = {
        "schema": 1,
        "stage": "finetune",
        "unit": unit.name,
        "spec": f"{complete:0<64}",
        "folder": complete,
        "digest": "0" * 64,
    }
    success |= {"rows": 0, "rejected": 0, "reject_reasons": {}, "failed_shards": []}
    success |= {"parts": [], "rejects": [], "files": [], "markers": []}
    (unit / SUCCESS).write_text(json.dumps(success))
    (unit / "resumed").mkdir()
    (unit / "resumed" / "checkpoints").mkdir()
    for seconds, path in enumerate((unit / "older", unit / "resumed", unit / SUCCESS, unit / "newer")):
        for one in (path, path / "checkpoints"):
            if one.exists():
                os.utime(one, (seconds, seconds))
    os.utime(unit / "resumed" / "checkpoints", (9, 9))  # written to later than the folder around it
    assert [one.path.relative_to(unit).as_posix() for one in find_garbage(tmp_path)] == [
        "older",
        f"{complete}/checkpoints",
    ]
