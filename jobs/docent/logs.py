"""Configure logging: plain lines for people, JSON lines in pods, an optional file, and a log tail that outlives a pod.

Environment: LOG_LEVEL, LOG_FILE. Inside a cluster (KUBERNETES_SERVICE_HOST is set) every line is one JSON object.
A rank (peers.py) writes only level and message: the first process of its pod logs the line with the rank's number.
Every line passes through `mask` and `terminal_safe`, since it may quote endpoints and file names.
"""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from docent.errors import ConfigError
from docent.messages.masking import mask
from docent.messages.printing import terminal_safe
from docent.ranks import peers

TAIL_BYTES = 64 * 1024
_CUT_AT_BYTES = 2 * TAIL_BYTES


def _safe(text: str) -> str:
    return terminal_safe(mask(text))


class PlainFormatter(logging.Formatter):
    """Formats lines for people, with secrets masked and terminal sequences escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted line."""
        return _safe(super().format(record))


class JsonFormatter(logging.Formatter):
    """Formats each record as one line of JSON: time, level, logger, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted line."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = {"time": stamp, "level": record.levelname, "logger": record.name, "message": _safe(message)}
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send docent's log to standard error (and LOG_FILE), as plain or JSON lines depending on the environment."""
    chosen = environ.get("LOG_LEVEL", level).upper()
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    logging.getLogger("docent").setLevel(chosen if chosen in logging.getLevelNamesMapping() else "INFO")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if peers.is_rank():
        handlers[0].setFormatter(PlainFormatter("%(levelname)s %(message)s"))
        root.addHandler(handlers[0])
        return
    if log_file := environ.get("LOG_FILE"):
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot write the log file: {error.strerror}", log_file, "change LOG_FILE") from None
    plain = PlainFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if "KUBERNETES_SERVICE_HOST" in environ else plain)
        root.addHandler(handler)


class TailHandler(logging.Handler):
    """Appends every record to a file at once, cut to about the last 64 KiB, so that even a killed pod leaves a log."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Append one record."""
        with contextlib.suppress(OSError):  # a full disk is reported on standard error; the tail is optional
            with self.path.open("ab") as file:
                file.write(self.format(record).encode("utf-8", "replace") + b"\n")
                size = file.tell()
            if size > _CUT_AT_BYTES:
                self.path.write_bytes(self.path.read_bytes()[-TAIL_BYTES:])


def attach_tail(path: Path) -> None:
    """Write the end of the log to this file as well."""
    logging.getLogger().addHandler(TailHandler(path))
