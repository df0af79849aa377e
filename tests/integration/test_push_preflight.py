"""What would stop a push, found before anything is built: the real client against a hub in a second process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.hub_process import behave, put, stats
from tests.tiny_museum import sections

from docent.config import PipelineConfig
from docent.config.stages import BuildDataset
from docent.launcher.local.preflight import push_problems
from docent.stages.build_dataset.hub.licences import is_known, nearest
from docent.stages.build_dataset.hub.limits import Problem, file_problems
from docent.stages.build_dataset.hub.preflight import problems

GB = 1_000_000_000
NO_TOKEN = "no token in the environment variable MY_HUB_TOKEN"


def found(licence: str = "mit", sizes: Mapping[str, int] | None = None, **settings: Any) -> list[Problem]:
    section = BuildDataset(**{"push_to": "me/set", "token_env": "MY_HUB_TOKEN", **settings})
    return problems(section, licence, os.environ, sizes or {})


def test_a_push_that_can_go_has_no_problem_and_leaves_no_trace_on_the_hub(hub: str) -> None:
    assert found() == []
    assert found(push_to="museum/set") == [], "an organisation of the token's owner"
    assert stats(hub)["repos"] == {}


def test_all_problems_are_found_at_once_each_with_what_to_do(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = {f"images/train/{number}.jpg": 1 for number in range(10_001)}
    monkeypatch.delenv("MY_HUB_TOKEN")
    listed = found("CC BY 4.0", crowd, push_to="not a name")
    assert [problem.stops for problem in listed] == [True] * 4
    assert "is not a valid repository name" in listed[0].what
    assert "images/train/ has 10,001" in listed[1].what
    assert listed[2].next_step.endswith("docent run --set build_dataset.license=cc-by-4.0")
    assert listed[3].what == NO_TOKEN and "export MY_HUB_TOKEN" in listed[3].next_step


def test_a_licence_that_is_newer_than_the_list_is_asked_of_the_hub(hub: str) -> None:
    assert found("licence-of-tomorrow") == []
    (refused,) = found("the-licence-of-our-own-museum")
    assert "the hub does not accept the licence" in refused.what and refused.stops


def test_a_token_that_is_wrong_or_may_only_read_is_told(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(hub, account={"name": "me", "auth": {"accessToken": {"role": "read"}}})
    (read_only,) = found()
    assert read_only.stops and "is read-only" in read_only.what
    behave(hub, account={"name": "me", "orgs": []})
    (stranger,) = found(push_to="them/set")
    assert "not a member of them" in stranger.what and "push_to=me/set" in stranger.next_step
    monkeypatch.setenv("MY_HUB_TOKEN", "wrong-7")
    (refused,) = found()
    assert refused.stops and "HTTP 401" in refused.what and "wrong-7" not in refused.what


def test_a_hub_that_is_away_is_a_warning(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (away,) = found()
    assert not away.stops and "cannot be reached" in away.what


def test_a_private_repository_of_a_free_account_has_room_for_100_gb(hub: str) -> None:
    put(hub, {"README.md": "# Set"})
    behave(hub, used=99 * GB)
    assert found(sizes={"hf/train/data.arrow": GB}) == [], "the repository is public"
    big = {"hf/train/1.arrow": 49 * GB, "hf/train/2.arrow": 49 * GB, "hf/train/3.arrow": 3 * GB}
    full = [problem for problem in found(push_to="me/new", sizes=big) if problem.stops]
    assert "a free account has only 100 GB" in full[0].what
    behave(hub, account={"name": "me", "isPro": True})
    assert not any(problem.stops for problem in found(push_to="me/new", sizes=big))


def test_files_that_the_hub_refuses_and_those_it_only_advises_against_are_told_apart() -> None:
    sizes = {"hf/a.arrow": 51 * GB, "hf/b.arrow": 21 * GB, "images/train/a.jpg": 1, "images/train/b.psd": 1}
    told = {problem.what.split()[0]: problem.stops for problem in file_problems(sizes)}
    assert told == {"hf/a.arrow": True, "hf/b.arrow": False, "1": False}
    assert list(file_problems({f"images/{n}/a.jpg": 1 for n in range(10_000)})) == []
    (folders,) = file_problems({f"images/{n}/a.jpg": 1 for n in range(10_001)})
    assert "images/ has 10,001" in folders.what, "folders count as entries"


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("Creative Commons BY 4.0", "cc-by-4.0"),
        ("CC0 1.0", "cc0-1.0"),
        ("Apache 2.0", "apache-2.0"),
        ("CC BY 5.0", "other"),
        ("All rights reserved", "other"),
    ],
)
def test_a_licence_in_other_words_is_named_as_the_hub_does(named: str, meant: str) -> None:
    assert not is_known(named) and nearest(named) == meant
    assert is_known(meant)


def test_the_licence_of_collection_yaml_is_looked_at_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_HUB_TOKEN", raising=False)
    push = {"push_to": "me/set", "token_env": "MY_HUB_TOKEN"}
    plan = sections(tmp_path, build_dataset=push)
    (tmp_path / "source" / "collection.yaml").write_text("license: CC-BY 4\n", encoding="utf-8")
    told = [problem.what for problem in push_problems(PipelineConfig.model_validate(plan))]
    assert told == [
        "the hub does not accept the licence 'CC-BY 4'",
        NO_TOKEN,
    ]
    plan["build_dataset"]["license"] = "odbl"
    assert len(push_problems(PipelineConfig.model_validate(plan))) == 1
    assert push_problems(PipelineConfig.model_validate(sections(tmp_path))) == []
