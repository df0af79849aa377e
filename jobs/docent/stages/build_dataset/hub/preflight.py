"""Find all problems that would stop a push, before the data set is built.

Reads the settings, the environment, the licence and the sizes of the files as far as they are known; requests the owner
of the token and the properties of the repository from the hub. Writes nothing, neither locally nor on the hub.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from docent.config.stages import BuildDataset
from docent.context import Context
from docent.messages.masking import remember_secret
from docent.messages.suggested_commands import complete, invocation_of
from docent.records import ImageFile, Split
from docent.stages.build_dataset.hub.asking import Ask
from docent.stages.build_dataset.hub.client import TYPE, allow_network, open_hub
from docent.stages.build_dataset.hub.licences import OTHER, is_known, nearest
from docent.stages.build_dataset.hub.limits import FREE_PRIVATE_BYTES, Problem, file_problems
from docent.stages.build_dataset.hub.refusals import PushError

log = logging.getLogger("docent.build-dataset")

CARD = "---\nlicense: {}\n---\n"


def problems(
    section: BuildDataset, licence: str, environ: Mapping[str, str], sizes: Mapping[str, int]
) -> list[Problem]:
    """Return problems that would stop a push or make the pushed data set less useful.

    Args:
        licence: licence of the data set, or "" if it is not known yet.
        sizes: sizes of the known files in bytes, by path.
    """
    known, of_licence = [*_name(section), *file_problems(sizes)], list(licence_problems(licence))
    token = environ.get(section.token_env, "").strip()
    if not token:
        export = f"export {section.token_env}=... (a token with write access)"
        return [*known, *of_licence, Problem(f"no token in the environment variable {section.token_env}", export)]
    remember_secret(token)
    if any(problem.stops for problem in known):
        return [*known, *of_licence]
    api = open_hub(token)
    ask = Ask(section, token, wait=lambda _: False, tries=1)
    try:
        account = ask(api.whoami)
        known += _account(account, section)
        known += _repository(api, ask, section, account, sum(sizes.values()))
    except PushError as error:
        stops = "HTTP 401" in error.reason or "HTTP 403" in error.reason
        known.append(
            Problem(error.reason, error.next_step if stops else "none needed: the push will be attempted anyway", stops)
        )
        return [*known, *of_licence]
    return known if of_licence and _accepts(api, ask, licence) else [*known, *of_licence]


def warn_ahead(ctx: Context, section: BuildDataset, photos: Iterable[tuple[Split, str, ImageFile]]) -> None:
    """Log all problems of a data set that is about to be built, with their next steps; it is built in any case.

    Args:
        section: the settings, completed with the title and licence of the sources.
        photos: split, file name and image of every photo of an exhibit.
    """
    if not section.push_to:
        return
    allow_network()
    sizes = {f"images/{split}/{name}": ctx.image_path(photo).stat().st_size for split, name, photo in photos}
    given = invocation_of(os.environ, ctx.run_dir.name)
    for problem in (*licence_problems(section.license), *file_problems(sizes)):
        kind = "the hub will reject the data set" if problem.stops else "the data set will be less useful on the hub"
        log.warning("%s: %s\n  next:  %s", kind, problem.what, complete(problem.next_step, given))


def licence_problems(licence: str) -> Iterator[Problem]:
    """Check the licence; the hub refuses a card with a licence that it does not list."""
    if licence and not is_known(licence):
        meant = nearest(licence)
        note = ", and name the licence in the card" if meant == OTHER else ""
        yield Problem(
            f"the hub does not accept the licence {licence[:100]!r}",
            f"use one that the hub accepts, such as {meant}{note}: docent run --set build_dataset.license={meant}",
        )


def _name(section: BuildDataset) -> Iterator[Problem]:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(section.push_to)
    except HFValidationError as error:
        what = f"{section.push_to!r} is not a valid repository name: {str(error).splitlines()[0]}"
        yield Problem(what, "docent run --set build_dataset.push_to=OWNER/NAME")


def _account(known: Mapping[str, Any], section: BuildDataset) -> Iterator[Problem]:
    """Check that the token has write access, and that it can write to the repositories of this owner."""
    token = (known.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read":
        yield Problem(
            f"the token in {section.token_env} is read-only",
            f"export {section.token_env}=... (a token with write access)",
        )
    owner, slash, _ = section.push_to.partition("/")
    mine = [str(known.get("name", "")), *(str(org.get("name", "")) for org in known.get("orgs") or ())]
    if slash and owner not in mine and token.get("role") != "fineGrained":
        yield Problem(
            f"the token in {section.token_env} belongs to {mine[0]}, who is not a member of {owner}",
            f"docent run --set build_dataset.push_to={mine[0]}/{section.push_to.partition('/')[2]}",
        )


def _repository(api: Any, ask: Ask, section: BuildDataset, account: Mapping[str, Any], size: int) -> Iterator[Problem]:
    """Check that the account has room for the data set; the hub reports used storage per repository only."""
    there = None  # then the push creates the repository
    if ask(lambda: api.repo_exists(section.push_to, repo_type=TYPE)):
        there = ask(lambda: api.repo_info(section.push_to, repo_type=TYPE, expand=["usedStorage", "private"]))
    used = int(getattr(there, "used_storage", 0) or 0)
    private = bool(there.private) if there else section.push_private
    own = section.push_to.partition("/")[0] in (account.get("name"), section.push_to)
    if private and own and not account.get("isPro") and used + size > FREE_PRIVATE_BYTES:
        yield Problem(
            f"{section.push_to} would need {(used + size) / 1e9:,.0f} GB, but a free account has only "
            f"{FREE_PRIVATE_BYTES / 1e9:.0f} GB for private repositories",
            "free up storage, upgrade the account, or make the repository public: "
            "docent run --set build_dataset.push_private=false",
        )


def _accepts(api: Any, ask: Ask, licence: str) -> bool:
    """Return whether the hub accepts a licence that is not in our list, which may be outdated."""
    try:
        ask(lambda: api._validate_yaml(CARD.format(json.dumps(licence.lower())), repo_type=TYPE))
    except PushError:
        return False
    return True
