"""Runs docent in Python's UTF-8 mode, whatever the locale: file names and texts are then the same everywhere.

Reads the interpreter's settings; starts the same command anew where they say anything else than UTF-8. Workers and
containers get PYTHONUTF8=1 from whoever starts them.
"""

from __future__ import annotations

import os
import sys


def run_in_utf8() -> None:
    """Replace this process by the same command in UTF-8 mode, unless file names are read as UTF-8 already.

    Without this, `Töne.png` under an ISO-8859-1 locale is `TÃ¶ne.png`, with other ids and another digest.
    """
    if is_utf8():
        return
    os.environ["PYTHONUTF8"] = "1"
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-X", "utf8", "-P", "-m", "docent", *sys.argv[1:]])


def is_utf8() -> bool:
    """Return whether this process reads file names and opens text files as UTF-8."""
    import locale

    of_locale = locale.getpreferredencoding(False).lower().replace("-", "")
    return bool(sys.flags.utf8_mode) or (sys.getfilesystemencoding() == "utf-8" and of_locale == "utf8")
