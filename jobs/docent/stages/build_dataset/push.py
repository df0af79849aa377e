"""The data set to a repository of the Hugging Face hub: one commit, none where nothing changed.

Reads what the stage has made so far and the token in the variable named by `build_dataset.token_env`. Run through
build-dataset with `build_dataset.push_to` set; HF_ENDPOINT names another hub.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from docent.config import BuildDataset
from docent.context import Context
from docent.errors import ConfigError, PipelineError, TemporaryError

log = logging.getLogger("docent.build-dataset")

REFUSED = (401, 403)
OURS = ("hf/", "images/", "documents/", "chat-", "conversations-")
MARK = "audit.json"
"""Every data set of docent has it: a repository without it, but with other files, is somebody else's."""
ANYBODYS = frozenset({".gitattributes", "README.md", "LICENSE"})


def check(section: BuildDataset) -> None:
    """Find what would stop the push at its end, before the work begins.

    Raises:
        ConfigError: there is no token, or the name cannot be that of a repository.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(section.push_to)
    except HFValidationError as error:
        what = f"not the name of a repository: {section.push_to!r}"
        raise ConfigError(what, "build_dataset.push_to", str(error).splitlines()[0]) from None
    if not os.environ.get(section.token_env):
        raise ConfigError("there is no token for the hub", section.token_env, f"export {section.token_env}=...")


def push(ctx: Context) -> None:
    """Upload every named output; a repository that exists is used.

    Raises:
        ConfigError: the hub refuses the token or the name, or the repository holds somebody else's files.
        TemporaryError: the hub cannot be reached or fails.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    section: BuildDataset = ctx.section
    name, made = section.push_to, ctx.made_so_far()
    api = HfApi(token=os.environ[section.token_env], library_name="docent")
    try:
        api.create_repo(name, repo_type="dataset", exist_ok=True, private=section.push_private)
        present = api.list_repo_files(name, repo_type="dataset")
        _refuse_strangers(name, present)
        stale = [file for file in present if _is_ours(file) and file not in made]
        changes: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(path_in_repo=file, path_or_fileobj=path) for file, path in made.items()),
            *(CommitOperationDelete(path_in_repo=file) for file in stale),
        ]
        done = api.create_commit(name, changes, commit_message="Data set by docent", repo_type="dataset")
    except OfflineModeIsEnabled:
        raise ConfigError("the hub is switched off", "HF_HUB_OFFLINE", "unset HF_HUB_OFFLINE") from None
    except HfHubHTTPError as error:
        raise _refusal(error.response.status_code, section) from None
    except (httpx2.HTTPError, OSError) as error:
        raise TemporaryError(f"the hub cannot be reached: {error}", name, "docent run") from None
    except ValueError as error:
        what = f"the hub or its client does not take the data set: {error}"
        raise ConfigError(what, name, "fix the card's settings, build_dataset.name and license") from None
    log.info("%d files are at %s, commit %s", len(made), name, done.oid[:10])


def _refuse_strangers(name: str, present: Sequence[str]) -> None:
    """A push removes what an earlier one left, so it goes only to a repository of its own."""
    others = sorted(set(present) - ANYBODYS)
    if others and MARK not in present:
        what = f"the repository {name} holds files that are not of docent ({len(others)}), such as {others[0][:80]}"
        raise ConfigError(what, "build_dataset.push_to", "name a repository for this data set alone")


def _is_ours(file: str) -> bool:
    """Whether an earlier data set may have put a file there: what is no longer part of the set must go."""
    return file.startswith(OURS)


def _refusal(status: int, section: BuildDataset) -> PipelineError:
    """What a person can do about an answer of the hub; its own text is not shown, for it may hold the request."""
    if status in REFUSED:
        what = f"the hub refuses the token for {section.push_to} (HTTP {status})"
        return ConfigError(what, section.token_env, "give it the right to write there")
    if 400 <= status < 500 and status not in (408, 409, 429):
        return ConfigError(
            f"the hub refuses the data set (HTTP {status})", section.push_to, "docent logs build-dataset"
        )
    return TemporaryError(f"the hub fails (HTTP {status})", section.push_to, "docent run")
