"""Place the pictures of a trainer's file: embedded in it, or in files that it names by path.

Reads prepared pictures; writes `<out>-images/` for those that are not below the output's folder already.
"""

import base64
import os
import shutil
from pathlib import Path
from typing import Any

from docent.convert.trainers.picture_rules import media_type
from docent.convert.trainers.pictures import Prepared
from docent.convert.trainers.trainer import Trainer


class Places:
    """Places the pictures of one output.

    Args:
        work: existing folder in which copies are kept until the output is complete.
    """

    def __init__(self, out: Path, trainer: Trainer, work: Path) -> None:
        self._out, self._trainer = out, trainer
        self._images = out.with_name(f"{out.stem}-images")
        self._pending = work / self._images.name
        self._known: dict[str, str] = {}

    @property
    def pictures(self) -> int:
        """Return the number of distinct pictures."""
        return len(self._known)

    def held(self, picture: Prepared) -> Any:
        """Return the value for a picture in the file: its URL, its path, or the encoded picture."""
        if picture.path is None:
            self._known[picture.key] = picture.key
            return picture.key
        if not self._trainer.embedded:
            return self._path(picture, picture.path)
        self._known[picture.key] = ""
        data = picture.path.read_bytes()
        if self._out.suffix == ".parquet":
            return {"bytes": data, "path": f"{picture.key}{picture.path.suffix}"}
        return f"data:{media_type(data)};base64,{base64.b64encode(data).decode()}"

    def finish(self) -> None:
        """Move the copies to their final folder."""
        if self._pending.is_dir():
            self._images.mkdir(exist_ok=True)
            for path in self._pending.iterdir():
                os.replace(path, self._images / path.name)

    def _path(self, picture: Prepared, path: Path) -> str:
        """Return the path of a picture relative to the output's folder; if it is outside the folder, that of a copy."""
        if picture.key not in self._known:
            folder, own = os.path.realpath(self._out.parent), os.path.realpath(path)
            if not picture.is_copy and Path(own).is_relative_to(folder):
                self._known[picture.key] = Path(os.path.relpath(own, folder)).as_posix()
            else:
                name = f"{picture.key}{path.suffix.lower()}"
                self._pending.mkdir(exist_ok=True)
                shutil.copyfile(path, self._pending / name)
                self._known[picture.key] = f"{self._images.name}/{name}"
        return self._known[picture.key]
