"""A push that meets a hub with faults, and a repository that others work in: the real client, a hub in a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.hub_process import CARD, KEY, behave, data_set, put, stats
from tests.tiny_museum import sections

from docent.artifacts.pushed import FILE, Push, is_open, write_push
from docent.config import PipelineConfig
from docent.config.stages import BuildDataset
from docent.stages.build_dataset.hub.delivery import push
from docent.store import Artifact

PHOTOS = {f"images/train/{number:03d}.tif": f"photo {number}" for number in range(230)}
FEW = dict(list(PHOTOS.items())[:4])
QUOTA = "Private repository storage limit reached, please upgrade your plan to increase your private storage limit."


class Waits(list[float]):
    """The times that a push waited, without waiting."""

    def __call__(self, seconds: float) -> bool:
        if seconds:
            self.append(seconds)
        return False


def pushed(artifact: Artifact, waits: Waits | None = None, **settings: Any) -> Push:
    section = BuildDataset(push_to="me/set", token_env="MY_HUB_TOKEN", **settings)
    return push(section, artifact, "demo", Waits() if waits is None else waits)


def files(hub: str) -> dict[str, Any]:
    found: dict[str, Any] = stats(hub)["repos"]["me/set"]["files"]
    return found


def commits(hub: str) -> list[list[str]]:
    found: list[list[str]] = stats(hub)["commits"]
    return found


def test_many_files_go_in_commits_of_a_hundred_and_the_card_comes_last(tmp_path: Path, hub: str) -> None:
    done = pushed(data_set(tmp_path, PHOTOS))
    assert (done.reason, done.files, len(files(hub))) == ("", 231, 232)
    made = commits(hub)
    assert [len(paths) for paths in made] == [101, 100, 32], "the note of docent is in the first and the last"
    assert "README.md" in made[-1]
    assert pushed(data_set(tmp_path, PHOTOS)).commit == done.commit, "nothing changed, nothing was committed"
    assert len(commits(hub)) == 3


def test_a_push_that_was_cut_short_uploads_only_what_is_missing(tmp_path: Path, hub: str) -> None:
    behave(hub, faults=[{"at": "commit", "status": 403, "error": QUOTA, "after": 1}])
    failed = pushed(data_set(tmp_path, PHOTOS))
    assert QUOTA in failed.reason and failed.commit == ""
    assert "free up storage" in failed.next_step
    assert "docent run --run demo --only build-dataset" in failed.next_step
    assert len(files(hub)) == 101
    changed = {**PHOTOS, "images/train/000.tif": "retouched"}
    assert pushed(data_set(tmp_path, changed)).reason == "", "its own files are not taken for somebody else's"
    again = [path for paths in commits(hub)[1:] for path in paths if path.endswith(".tif")]
    assert len(again) == 131 and "images/train/000.tif" in again


def test_a_hub_that_is_busy_is_asked_again_as_long_as_it_says(tmp_path: Path, hub: str) -> None:
    busy = [
        {"at": "commit", "status": 429, "error": "We had to rate limit you", "headers": {"Retry-After": "7"}},
        {"at": "commit", "status": 503, "error": "Service Unavailable"},
    ]
    behave(hub, faults=busy)
    waits = Waits()
    assert pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}), waits).reason == ""
    assert waits[0] == 7 and len(waits) == 2

    behave(hub, faults=[{"at": "commit", "status": 503, "error": "Service Unavailable"}] * 20)
    failed = pushed(data_set(tmp_path, {"chat-train.jsonl": "{1}"}), waits)
    assert failed.reason == "the hub returned HTTP 503: Service Unavailable"
    assert len(waits) < 10 and max(waits) <= 120


def test_a_commit_that_happened_though_the_hub_failed_is_not_made_twice(tmp_path: Path, hub: str) -> None:
    behave(hub, faults=[{"at": "commit", "status": 500, "error": "Internal", "committed": True}])
    assert pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"})).reason == ""
    assert len(commits(hub)) == 1


def test_a_commit_of_somebody_else_in_between_is_kept(tmp_path: Path, hub: str) -> None:
    some = dict(list(PHOTOS.items())[:110])
    behave(hub, faults=[{"at": "commit", "after": 1, "meanwhile": {"notes/visit.md": "theirs"}}])
    done = pushed(data_set(tmp_path, some))
    assert done.reason == ""
    assert files(hub)["notes/visit.md"]["text"] == "theirs" and len(files(hub)) == 113
    assert "1 file of other people in me/set kept: notes/visit.md" in done.notes[0]

    others = [{"at": "commit", "meanwhile": {"notes/visit.md": str(number)}} for number in range(20)]
    behave(hub, faults=others)
    failed = pushed(data_set(tmp_path, {**some, "chat-train.jsonl": "{}"}))
    assert "other people keep committing to me/set" in failed.reason


def test_too_many_files_in_a_folder_is_said_in_the_words_of_the_hub(tmp_path: Path, hub: str) -> None:
    behave(hub, folder_entries=3)
    failed = pushed(data_set(tmp_path, FEW))
    assert "too many files per directory" in failed.reason and "/images/train/" in failed.reason
    assert "assemble.images_per_item" in failed.next_step


def test_a_token_never_comes_back_in_a_reason(tmp_path: Path, hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_HUB_TOKEN", "wrong-7")
    failed = pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}))
    assert "HTTP 401" in failed.reason and "Invalid user token" in failed.reason
    assert "wrong-7" not in failed.reason + failed.next_step
    assert "MY_HUB_TOKEN" in failed.next_step
    monkeypatch.delenv("MY_HUB_TOKEN")
    assert pushed(data_set(tmp_path, {})).reason == "no token in the environment variable MY_HUB_TOKEN"


def test_a_bug_in_the_client_costs_the_push_and_nothing_else(
    tmp_path: Path, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"Data processing error, token {KEY}")

    monkeypatch.setattr("huggingface_hub.HfApi.create_commit", broken)
    failed = pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}))
    assert "RuntimeError: Data processing error" in failed.reason and KEY not in failed.reason


def test_files_of_others_stay_unless_they_are_named(tmp_path: Path, hub: str) -> None:
    put(hub, {"old/1.txt": "a", "old/2.txt": "b", "images/train/000.tif": "theirs"})
    failed = pushed(data_set(tmp_path, FEW))
    assert "the push would overwrite 1 file of other people in me/set: images/train/000.tif" in failed.reason
    assert """--set 'build_dataset.push_delete=["images/train/000.tif"]'""" in failed.next_step
    done = pushed(data_set(tmp_path, FEW), push_delete=["images/train/000.tif"])
    assert done.reason == "" and "old/1.txt, old/2.txt" in done.notes[0]
    assert pushed(data_set(tmp_path, FEW), push_delete=["old/*"]).notes == ()
    assert not any(path.startswith("old/") for path in files(hub))


def test_a_push_is_open_until_it_was_made_to_this_repository_with_these_deletions(tmp_path: Path, hub: str) -> None:
    made = data_set(tmp_path / "set", FEW)
    plan: dict[str, Any] = {"push_to": "me/set", "token_env": "MY_HUB_TOKEN"}

    def opened(**settings: Any) -> bool:
        config = PipelineConfig.model_validate(sections(tmp_path, build_dataset={**plan, **settings}))
        return is_open(config, tmp_path, made)

    (tmp_path / "build-dataset").mkdir()
    assert opened() and not opened(push_to="")
    write_push(tmp_path, pushed(made))
    assert not opened() and opened(push_to="me/other") and opened(push_delete=["old/*"])
    write_push(tmp_path, pushed(made, push_delete=["old/*"]))
    assert not opened(push_delete=["old/*"]) and not opened()
    write_push(tmp_path, pushed(made).model_copy(update={"commit": ""}))
    assert opened()
    (tmp_path / FILE).write_text("{torn")
    assert opened()


def test_a_push_that_is_asked_to_stop_ends_between_two_commits(tmp_path: Path, hub: str) -> None:
    section = BuildDataset(push_to="me/set", token_env="MY_HUB_TOKEN")
    stopped = push(section, data_set(tmp_path, PHOTOS), "demo", lambda _: bool(stats(hub)["commits"]))
    assert stopped.reason == "the push was interrupted" and len(commits(hub)) == 1


def test_what_the_data_set_no_longer_has_goes_and_what_others_put_beside_it_stays(tmp_path: Path, hub: str) -> None:
    pushed(data_set(tmp_path / "1", {"images/train/a.jpg": "a", "images/train/b.jpg": "b"}))
    put(hub, {"images/train/mine.txt": "mine"})
    pushed(data_set(tmp_path / "2", {"images/train/b.jpg": "b"}))
    assert sorted(files(hub)) == [".docent.json", "README.md", "images/train/b.jpg", "images/train/mine.txt"]


def test_a_card_that_was_edited_on_the_hub_keeps_its_edits(tmp_path: Path, hub: str) -> None:
    pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}))
    edited = CARD.replace('license: "mit"', "license: mit\nlicense_link: https://example.org").replace(
        "## Files", "## Citation\n\nCite us.\n\n## Files"
    )
    put(hub, {"README.md": edited.replace("Some.", "Some of them.").replace("About.", "About, by hand.")})
    done = pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}, CARD.replace("Some.", "Other files.")))
    card = files(hub)["README.md"]["text"]
    assert "license_link: https://example.org" in card and "Cite us." in card
    assert "About, by hand." in card, "only a person changed it"
    assert "Other files." in card and "Some of them." not in card, "both changed it"
    assert any("section ## Files" in note and "Some of them." in note for note in done.notes)
    assert card.index("Cite us.") < card.index("## Files")
    again = pushed(data_set(tmp_path, {"chat-train.jsonl": "{}"}, CARD.replace("Some.", "Other files.")))
    assert again.commit == done.commit


def test_a_hub_that_is_away_is_not_waited_for_long(tmp_path: Path, hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    waits = Waits()
    failed = pushed(data_set(tmp_path, FEW), waits)
    assert failed.reason.startswith("the hub cannot be reached") and "HF_ENDPOINT" in failed.next_step
    assert sum(waits) < 10
