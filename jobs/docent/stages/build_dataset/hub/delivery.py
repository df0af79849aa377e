"""Pushes a complete data set, and writes down how that ended. Whatever happens, the data set stays complete.

Reads the data set and the token in the variable named by `build_dataset.token_env`; writes the repository and
`<run>/build-dataset/push.json`. Run through build-dataset with `build_dataset.push_to` set, once the data set is
complete; run again it pushes what is missing.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from docent.artifacts.confinement import inside
from docent.artifacts.listings import RECORD
from docent.artifacts.pushed import Push, is_open, write_push
from docent.config import BuildDataset, PipelineConfig
from docent.messages.masking import remember_secret
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.messages.suggested_commands import complete, invocation_of
from docent.stages.build_dataset.hub.asking import Wait
from docent.stages.build_dataset.hub.client import open_hub
from docent.stages.build_dataset.hub.limits import file_problems
from docent.stages.build_dataset.hub.plan import Local
from docent.stages.build_dataset.hub.refusals import PushError, again, without_token
from docent.stages.build_dataset.hub.upload import Uploaded, upload
from docent.store import Artifact

log = logging.getLogger("docent.build-dataset")


def deliver(config: PipelineConfig, run_dir: Path, artifact: Artifact, stop: threading.Event) -> None:
    """Push a data set that is not yet where it is to be. A push that fails is written down, and fails nothing else."""
    if config.build_dataset and is_open(config, run_dir, artifact):
        write_push(run_dir, push(config.build_dataset, artifact, run_dir.name, stop.wait))


def push(section: BuildDataset, artifact: Artifact, run_name: str, wait: Wait) -> Push:
    """Push a data set; returns how that ended.

    Args:
        wait: waits so many seconds between tries, and returns whether to stop.
    """
    files = _files(artifact)
    token = os.environ.get(section.token_env, "").strip()
    remember_secret(token)
    try:
        done = _upload(section, files, token, wait)
    except PushError as error:
        failed = error
    except FileNotFoundError as error:
        failed = PushError(f"a file of the data set is gone: {error.filename}", "docent run --verify")
    except Exception as error:  # of the hub's client, too: the data set is complete all the same
        log.exception("the push failed")
        said = without_token(f"{type(error).__name__}: {error}", token)
        reason = f"a bug in docent or in the hub's client: {said}"
        failed = PushError(reason, f"report it with the log, then: {again()}")
    else:
        log.info("%s of %d are new at %s, commit %s", counted(done.uploaded, "file"), len(files), *_place(done))
        for note in done.notes:
            log.warning("%s", printable(note))
        return Push(
            repository=section.push_to,
            digest=artifact.digest,
            commit=done.commit,
            files=len(files),
            notes=tuple(done.notes),
            deleted=section.push_delete,
        )
    next_step = complete(failed.next_step, invocation_of(os.environ, run_name))
    log.warning("the data set is complete, and not pushed to %s: %s\n  next:  %s", section.push_to, failed, next_step)
    return Push(
        repository=section.push_to,
        digest=artifact.digest,
        files=len(files),
        reason=failed.reason,
        next_step=next_step,
    )


def _upload(section: BuildDataset, files: dict[str, Local], token: str, wait: Wait) -> Uploaded:
    if not token:
        raise PushError(f"there is no token in {section.token_env}", f"export {section.token_env}=..., then: {again()}")
    problems = [one for one in file_problems({path: file.size for path, file in files.items()}) if one.stops]
    if problems:
        raise PushError("; ".join(one.what for one in problems), "; ".join(one.next_step for one in problems))
    return upload(open_hub(token), section, files, wait)


def _files(artifact: Artifact) -> dict[str, Local]:
    """The named outputs by their paths, as `_SUCCESS.json` lists them."""
    return {
        file.path: Local(inside(artifact.folder, file.path), file.size, file.sha256)
        for file in artifact.success.files
        if file.path != RECORD
    }


def _place(done: Uploaded) -> tuple[str, str]:
    return done.repository, done.commit[:10]
