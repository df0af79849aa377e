"""Call a command with `--set` for every setting of `make run-pipeline SET=... PHOTOS=...`.

Reads the variables MAKE_SET and MAKE_PHOTOS, which the Makefile fills, and becomes the command. A value of SET goes on
until the next `key=`, so that `SET="report.title=My Museum seed=3"` is two settings; quotes around a value, or around a
whole setting, are taken off. Run alone: `MAKE_SET="seed=3" python scripts/with_settings.py echo docent run`
"""

from __future__ import annotations

import json
import os
import re
import sys

KEY = r"[A-Za-z_][\w-]*(?:\.[\w-]+)*="
SETTING = re.compile(rf"(?<!\S)(?=['\"]?{KEY})")
"""Where a setting begins: a dotted key and an equals sign, after white space."""
QUOTED = re.compile(rf"""(?<![^\s=])(['"])({KEY})?(.*?)\1(?!\S)""", re.DOTALL)


def main() -> int:
    """Replace this process by the command; 2 where SET cannot be read."""
    given = os.environ.pop("MAKE_SET", "").strip()
    photos = os.environ.pop("MAKE_PHOTOS", "")
    found = settings(given)
    if given and not found:
        print(f'make: cannot read SET: {given}\n  next:  write it as SET="section.field=value ..."', file=sys.stderr)
        return 2
    sources = ["ingest.sources.0.kind=exhibits-folder", f"ingest.sources.0.path={_as_text(photos)}"] if photos else []
    arguments = [word for setting in [*sources, *found] for word in ("--set", setting)]
    command = [*sys.argv[1:], *arguments]
    os.execvp(command[0], command)


def settings(text: str) -> list[str]:
    """The settings of a text as `key=value`; empty where it does not begin with one."""
    hidden = QUOTED.sub(_hidden, text)  # a key inside quotes is part of the value
    starts = [found.start() for found in SETTING.finditer(hidden)]
    if not starts or starts[0] != 0:
        return []
    parts = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [_unquoted(part) for part in parts]


def _hidden(quoted: re.Match[str]) -> str:
    """What is quoted, as long as it is, with no key in it but the one that begins it."""
    kept = quoted[1] + (quoted[2] or "")
    return kept + "x" * (len(quoted[0]) - len(kept))


def _unquoted(setting: str) -> str:
    """A setting without quotes around the whole of it or around its value, as a shell takes them off."""
    if QUOTED.fullmatch(setting):
        return setting[1:-1]
    key, _, value = setting.partition("=")
    return f"{key}={value[1:-1]}" if QUOTED.fullmatch(value) else setting


def _as_text(folder: str) -> str:
    """A folder's name as docent takes it to the letter: in quotes where it has some, or begins or ends with a space."""
    plain = folder == folder.strip() and folder[0] not in "'\"" and folder.lower() not in ("null", "~")
    return folder if plain else json.dumps(folder, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
