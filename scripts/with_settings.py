"""Call a command with `--set` for every setting of `make run-pipeline SET=... PHOTOS=...`.

Reads the variables MAKE_SET and MAKE_PHOTOS, which the Makefile sets, and replaces itself with the command. A value in
SET extends to the next `key=`, so that `SET="report.title=My Museum seed=3"` is two settings; quotes around a value, or
around a complete setting, are removed. With PHOTOS the run is named after the folder unless the command has `--run`.
Run it: `MAKE_SET="seed=3" python scripts/with_settings.py echo docent run`
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import sys
import unicodedata
from pathlib import Path

KEY = r"[A-Za-z_][\w-]*(?:\.[\w-]+)*="
SETTING = re.compile(rf"(?<!\S)(?=['\"]?{KEY})")
"""The beginning of a setting: a dotted key and an equals sign, after white space."""
QUOTED = re.compile(rf"""(?<![^\s=])(['"])({KEY})?(.*?)\1(?!\S)""", re.DOTALL)


MAX_NAME_CHARS = 16
"""Maximum length of a run's name (docent/config/run_names.py)."""


def main() -> int:
    """Replace this process with the command; return 2 if SET cannot be parsed or PHOTOS is not a folder."""
    given = os.environ.pop("MAKE_SET", "").strip()
    photos = os.environ.pop("MAKE_PHOTOS", "")
    pairs = settings(given)
    if given and not pairs:
        print(f'make: cannot read SET: {given}\n  next:  write it as SET="section.field=value ..."', file=sys.stderr)
        return 2
    if photos and not Path(photos).is_dir():
        print(_no_folder(photos), file=sys.stderr)
        return 2
    sources = ["ingest.sources.0.kind=exhibits-folder", f"ingest.sources.0.path={_as_text(photos)}"] if photos else []
    arguments = [word for setting in [*sources, *pairs] for word in ("--set", setting)]
    command = [*sys.argv[1:], *arguments]
    if photos and "--run" not in command:
        name = run_name(photos)
        print(f"run {name}, named after the folder of PHOTOS; RUN=name names it otherwise", file=sys.stderr, flush=True)
        command += ["--run", name]
    os.execvp(command[0], command)


def run_name(photos: str) -> str:
    """Return the run name for a folder: its name in a-z, 0-9 and hyphens, with a hash if characters were lost."""
    name = unicodedata.normalize("NFC", Path(photos).resolve().name)
    plain = [letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter)]
    slug = re.sub(r"[^a-z0-9]+", "-", "".join(plain).lower()).strip("-")
    is_lost = any(letter.isalnum() and not letter.isascii() for letter in plain)
    if slug and not is_lost and len(slug) <= MAX_NAME_CHARS:
        return slug
    mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:4]
    return f"{(slug or 'photos')[: MAX_NAME_CHARS - 5].strip('-')}-{mark}"


def _no_folder(photos: str) -> str:
    """Return the error message if PHOTOS is not a folder, with the closest existing name."""
    path = Path(photos)
    if path.exists():
        return f"make: PHOTOS is no folder: {photos}\n  next:  name the folder that has one subfolder per exhibit"
    beside = [child.name for child in path.parent.iterdir() if child.is_dir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, 1)
    hint = f"PHOTOS={path.parent / near[0]}" if near else "correct PHOTOS; a path begins at this folder, or with /"
    return f"make: PHOTOS: there is no folder {photos}\n  next:  {hint}"


def settings(text: str) -> list[str]:
    """Split a text into settings `key=value`; return none if it does not begin with one."""
    hidden = QUOTED.sub(_hidden, text)  # a key inside quotes is part of the value
    starts = [match.start() for match in SETTING.finditer(hidden)]
    if not starts or starts[0] != 0:
        return []
    parts = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [_unquoted(part) for part in parts]


def _hidden(quoted: re.Match[str]) -> str:
    """Mask a quoted text at the same length, except for a key at its beginning, so that no key in it is recognised."""
    kept = quoted[1] + (quoted[2] or "")
    return kept + "x" * (len(quoted[0]) - len(kept))


def _unquoted(setting: str) -> str:
    """Remove quotes around a complete setting or around its value, as a shell does."""
    if QUOTED.fullmatch(setting):
        return setting[1:-1]
    key, _, value = setting.partition("=")
    return f"{key}={value[1:-1]}" if QUOTED.fullmatch(value) else setting


def _as_text(folder: str) -> str:
    """Quote a folder's name if docent would not read it literally: quotes, surrounding spaces, null or ~."""
    plain = folder == folder.strip() and folder[0] not in "'\"" and folder.lower() not in ("null", "~")
    return folder if plain else json.dumps(folder, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
