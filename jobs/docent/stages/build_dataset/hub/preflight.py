"""Everything that would stop a push, found before the data set is built, all at once.

Reads the settings, the environment, the licence and the sizes of the files as far as they are known; asks the hub who
the token belongs to and what it knows about the repository. Writes nothing, there neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docent.config import BuildDataset
from docent.messages.masking import remember_secret
from docent.stages.build_dataset.hub.asking import Ask
from docent.stages.build_dataset.hub.client import open_hub
from docent.stages.build_dataset.hub.licences import OTHER, is_known, nearest
from docent.stages.build_dataset.hub.limits import FREE_PRIVATE_BYTES, Problem, file_problems
from docent.stages.build_dataset.hub.refusals import PushError

TYPE = "dataset"
CARD = "---\nlicense: {}\n---\n"
READS = "read"


def problems(
    section: BuildDataset, licence: str, environ: Mapping[str, str], sizes: Mapping[str, int]
) -> list[Problem]:
    """What is in the way of a push.

    Args:
        licence: of the data set; "" where it is not known yet.
        sizes: bytes of the files by their paths, as far as they are known.
    """
    found = [*_name(section), *file_problems(sizes)]
    token = environ.get(section.token_env, "").strip()
    if not token:
        export = f"export {section.token_env}=... (a token with the right to write)"
        return [*found, *licence_problems(licence), Problem(f"there is no token in {section.token_env}", export)]
    remember_secret(token)
    if any(problem.stops for problem in found):
        return [*found, *licence_problems(licence)]
    api = open_hub(token)
    ask = Ask(section, token, wait=lambda _: False, tries=1)
    try:
        account = ask(api.whoami)
        found += _account(account, section)
        found += _repository(api, ask, section, account, sum(sizes.values()))
    except PushError as error:
        stops = "HTTP 401" in error.reason or "HTTP 403" in error.reason
        found.append(Problem(error.reason, error.next_step if stops else "the push is tried all the same", stops))
        return [*found, *licence_problems(licence)]
    unknown = list(licence_problems(licence))
    return found + (unknown if unknown and not _hub_takes(api, ask, licence) else [])


def licence_problems(licence: str) -> Iterator[Problem]:
    """A licence that the hub does not list: it refuses a card with it."""
    if licence and not is_known(licence):
        meant = nearest(licence)
        note = ", and name it on the card" if meant == OTHER else ""
        yield Problem(
            f"the hub does not know the licence {licence[:100]!r}",
            f"name one that it lists, such as {meant}{note}: docent run --set build_dataset.license={meant}",
        )


def _name(section: BuildDataset) -> Iterator[Problem]:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(section.push_to)
    except HFValidationError as error:
        what = f"{section.push_to!r} is not the name of a repository: {str(error).splitlines()[0]}"
        yield Problem(what, "docent run --set build_dataset.push_to=OWNER/NAME")


def _account(known: Mapping[str, Any], section: BuildDataset) -> Iterator[Problem]:
    """Whether the token may write, and to this owner's repositories."""
    token = (known.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == READS:
        yield Problem(
            f"the token in {section.token_env} may only read", f"export {section.token_env}=... (one that may write)"
        )
    owner, slash, _ = section.push_to.partition("/")
    mine = [str(known.get("name", "")), *(str(org.get("name", "")) for org in known.get("orgs") or ())]
    if slash and owner not in mine and token.get("role") != "fineGrained":
        yield Problem(
            f"the token in {section.token_env} belongs to {mine[0]}, who is no member of {owner}",
            f"docent run --set build_dataset.push_to={mine[0]}/{section.push_to.partition('/')[2]}",
        )


def _repository(api: Any, ask: Ask, section: BuildDataset, account: Mapping[str, Any], size: int) -> Iterator[Problem]:
    """Whether what is in the repository leaves room, as far as the hub tells: of one account, not of all it has."""
    from huggingface_hub.errors import RepositoryNotFoundError

    def look() -> Any:
        try:
            return api.repo_info(section.push_to, repo_type=TYPE, expand=["usedStorage", "private"])
        except RepositoryNotFoundError:
            return None  # it is made by the push

    there = ask(look)
    used = int(getattr(there, "used_storage", 0) or 0)
    private = bool(there.private) if there else section.push_private
    own = section.push_to.partition("/")[0] in (account.get("name"), section.push_to)
    if private and own and not account.get("isPro") and used + size > FREE_PRIVATE_BYTES:
        yield Problem(
            f"{section.push_to} would hold {(used + size) / 1e9:,.0f} GB, and a free account has "
            f"{FREE_PRIVATE_BYTES / 1e9:.0f} GB for private repositories",
            "free space, upgrade the account, or make it public: docent run --set build_dataset.push_private=false",
        )


def _hub_takes(api: Any, ask: Ask, licence: str) -> bool:
    """Whether the hub takes a licence that is not in our list, which may be older than the hub's."""
    try:
        ask(lambda: api._validate_yaml(CARD.format(json.dumps(licence.lower())), repo_type=TYPE))
    except PushError:
        return False
    return True
