"""Warn before a data set is built about what the hub will reject, once its photos are known.

Reads sizes of photos; only logs: the data set is built in any case, since it is useful without a hub.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from docent.config import BuildDataset
from docent.context import Context
from docent.messages.suggested_commands import complete, invocation_of
from docent.records import ImageFile, Split
from docent.stages.build_dataset.hub.client import allow_network
from docent.stages.build_dataset.hub.limits import file_problems
from docent.stages.build_dataset.hub.preflight import licence_problems

log = logging.getLogger("docent.build-dataset")


def warn_ahead(ctx: Context, section: BuildDataset, photos: Iterable[tuple[Split, str, ImageFile]]) -> None:
    """Log all problems with their next steps; do nothing where nothing is pushed.

    Args:
        section: the settings, with the title and licence of the sources.
        photos: split, file name and photo.
    """
    if not section.push_to:
        return
    allow_network()
    sizes = {f"images/{split}/{name}": ctx.image_path(photo).stat().st_size for split, name, photo in photos}
    given = invocation_of(os.environ, ctx.run_dir.name)
    for problem in (*licence_problems(section.license), *file_problems(sizes)):
        kind = "the hub will refuse the data set" if problem.stops else "the data set is less useful on the hub"
        log.warning("%s: %s\n  next:  %s", kind, problem.what, complete(problem.next_step, given))
