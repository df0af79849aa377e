"""Run docent in Python's UTF-8 mode, whatever the locale, so that file names and texts are the same everywhere.

Reads the interpreter's settings; restarts the same command if they are not UTF-8. Workers and containers are started
with PYTHONUTF8=1.
"""

import os
import sys


def run_in_utf8() -> None:
    """Replace this process with the same command in UTF-8 mode, unless it already reads file names as UTF-8.

    Otherwise `Töne.png` under an ISO-8859-1 locale would become `TÃ¶ne.png`, with different ids and digests.
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
