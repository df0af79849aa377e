"""Write files atomically and durably: under a temporary name, synced, then renamed.

All outputs and markers of a run are written with these functions (store.py, parts.py, context.py).
"""

import hashlib
import os
import socket
from pathlib import Path

# A replacement pod has the same host name, and its first process the same process id.
_ATTEMPT = os.urandom(4).hex()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, reading it in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_durably(path: Path, data: bytes) -> None:
    """Write a file atomically: it is complete or absent, even after a power cut."""
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary_name(path: Path) -> Path:
    """Return a temporary name next to `path` that no other process on any machine uses."""
    return path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.{_ATTEMPT}.tmp")


def sync_file(path: Path) -> None:
    """Make the content of a file durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    sync_file(folder)
