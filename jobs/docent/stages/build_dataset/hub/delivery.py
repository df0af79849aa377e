"""Push a complete data set and record the result; a failed push leaves the data set complete.

Reads the data set, and the token from the environment variable `build_dataset.token_env`; writes the repository and
`<run>/build-dataset/push.json`. The stage runs this after the data set is complete if `build_dataset.push_to` is set; a
second run uploads the missing files.
"""

import logging
import os
import threading
from pathlib import Path

from docent.artifacts.pushed import Push, is_open, write_push
from docent.config import PipelineConfig
from docent.config.stages import BuildDataset
from docent.messages.masking import remember_secret
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.messages.suggested_commands import complete, invocation_of
from docent.stages.build_dataset.hub.asking import Wait
from docent.stages.build_dataset.hub.client import open_hub
from docent.stages.build_dataset.hub.limits import file_problems
from docent.stages.build_dataset.hub.plan import files_of
from docent.stages.build_dataset.hub.refusals import PushError, again, without_token
from docent.stages.build_dataset.hub.upload import upload
from docent.store import Artifact

log = logging.getLogger("docent.build-dataset")


def deliver(config: PipelineConfig, run_dir: Path, artifact: Artifact, stop: threading.Event) -> None:
    """Push the data set unless it was already pushed; a failed push is recorded, but does not fail the stage."""
    if config.build_dataset and is_open(config, run_dir, artifact):
        write_push(run_dir, push(config.build_dataset, artifact, run_dir.name, stop.wait))


def push(section: BuildDataset, artifact: Artifact, run_name: str, wait: Wait) -> Push:
    """Push a data set and return the result, which includes the reason of a failure.

    Args:
        wait: waits for a number of seconds between attempts, and returns whether to stop.
    """
    number = len(files_of(artifact))
    result = Push(repository=section.push_to, digest=artifact.digest, files=number)
    token = os.environ.get(section.token_env, "").strip()
    remember_secret(token)
    try:
        _check(section, artifact, token)
        uploaded = upload(open_hub(token), section, artifact, wait)
    except PushError as error:
        failed = error
    except FileNotFoundError as error:
        failed = PushError(f"a file of the data set is missing: {error.filename}", "docent run --verify")
    except Exception as error:  # also from the hub's client: no error may make the complete data set fail
        log.exception("the push failed")
        message = without_token(f"{type(error).__name__}: {error}", token)
        reason = f"unexpected error in docent or in the hub's client: {message}"
        failed = PushError(reason, f"report the error with the log, then: {again()}")
    else:
        repository, commit, new = uploaded.repository, uploaded.commit, counted(uploaded.files, "file")
        log.info("uploaded %s of %d to %s, commit %s", new, number, repository, commit[:10])
        for note in uploaded.notes:
            log.warning("%s", printable(note))
        return result.model_copy(update={"commit": commit, "notes": uploaded.notes, "deleted": section.push_delete})
    next_step = complete(failed.next_step, invocation_of(os.environ, run_name))
    log.warning(
        "the data set is complete, but was not pushed to %s: %s\n  next:  %s", section.push_to, failed, next_step
    )
    return result.model_copy(update={"reason": failed.reason, "next_step": next_step})


def _check(section: BuildDataset, artifact: Artifact, token: str) -> None:
    if not token:
        raise PushError(
            f"no token in the environment variable {section.token_env}",
            f"export {section.token_env}=..., then: {again()}",
        )
    sizes = {path: file.size for path, file in files_of(artifact).items()}
    problems = [problem for problem in file_problems(sizes) if problem.stops]
    if problems:
        raise PushError(
            "; ".join(problem.what for problem in problems), "; ".join(problem.next_step for problem in problems)
        )
