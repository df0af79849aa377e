"""Correct time stamps that make readers trust a damaged output, or hash an intact one again each time.

Reads `_SUCCESS.json` files and the outputs they list; changes only time stamps, so that all readers decide alike.
"""

import os
from contextlib import suppress
from pathlib import Path

from docent.artifacts.confinement import OutsideRunError, inside, statuses
from docent.artifacts.durable import sha256_of
from docent.artifacts.listings import SUCCESS, load_success
from docent.source_files.digests import Stamp
from docent.store import Artifact

WORTH_BYTES = 64 * 1024 * 1024
"""Time stamps are left unchanged if fewer bytes must be hashed, since that is fast."""


def distrust_damaged(run_dir: Path, unit: str) -> None:
    """Update the time stamp of each file whose content does not match its sha256, so that all readers hash it again."""
    success = load_success(run_dir, unit)
    if success is None:
        return
    for output in success.outputs:
        with suppress(OutsideRunError):  # the output counts as absent, and a warning was logged
            path = inside(run_dir, f"{unit}/{success.folder}/{output.path}")
            if path.is_file() and sha256_of(path) != output.sha256:
                os.utime(path)


def trust_copied(run_dir: Path, artifact: Artifact) -> None:
    """Renew the ctime of `_SUCCESS.json` if newer large outputs, as in a copy of a run, have the listed sha256.

    Otherwise every check of the copy would hash them again. A file that changes in the meantime is not trusted.
    """
    listed_in = run_dir / artifact.unit / SUCCESS
    written_ns = listed_in.stat().st_ctime_ns
    success = artifact.success
    sha256s = {output.path: output.sha256 for output in success.outputs}
    found = zip(sha256s, statuses(artifact.folder, sha256s), strict=True)
    before = {name: Stamp.of(status) for name, (_, status) in found}
    doubtful = [name for name, stamp in before.items() if stamp.ctime_ns >= written_ns]
    if sum(before[name].size for name in doubtful) < WORTH_BYTES:
        return
    if any(sha256_of(inside(artifact.folder, name)) != sha256s[name] for name in doubtful):
        return
    times = listed_in.stat()
    os.utime(listed_in, ns=(times.st_atime_ns, times.st_mtime_ns))
    for name, stamp in before.items():
        path = inside(artifact.folder, name)
        if Stamp.of(path.stat()) != stamp:
            os.utime(path)
