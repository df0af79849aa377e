"""Planted leaks are found, and nothing else is."""

from __future__ import annotations

import pytest

from docent.artifacts.summaries import Leak
from docent.evidence.leaks import Placed, find_leaks
from docent.records import Split


def placed(image: str, split: Split, group: str = "", sha256: str = "") -> Placed:
    return Placed(image, "item", split, group or f"group of {image}", sha256 or f"sha of {image}")


@pytest.mark.feature("leak-count")
def test_clean_splits_have_no_leak() -> None:
    assert find_leaks([placed("a", "train"), placed("b", "validation"), placed("c", "test")]) == []


@pytest.mark.feature("leak-count")
def test_an_altered_copy_in_training_is_a_leak() -> None:
    leaks = find_leaks([placed("a-aug1", "train", "a"), placed("a", "test", "a")])
    assert leaks == [Leak(image="a", item="item", split="train", group="a")]


@pytest.mark.feature("leak-count")
def test_the_same_file_under_another_name_is_a_leak() -> None:
    leaks = find_leaks([placed("copy", "validation", sha256="1"), placed("a", "test", sha256="1")])
    assert [(leak.image, leak.split) for leak in leaks] == [("a", "validation")]


def test_a_picture_with_relatives_in_both_other_splits_counts_once_and_names_training() -> None:
    pictures = [placed("t", "test", "a"), placed("v", "validation", "a"), placed("x", "train", "a")]
    assert [(leak.image, leak.split) for leak in find_leaks(pictures)] == [("t", "train")]


def test_a_copy_of_a_photo_whose_derivative_was_trained_on_is_a_leak() -> None:
    pictures = [
        placed("t", "test", sha256="1"),
        placed("u", "test", "u", sha256="1"),
        placed("u-aug1", "train", "u"),
        placed("other", "test"),
    ]
    assert [(leak.image, leak.split) for leak in find_leaks(pictures)] == [("t", "train"), ("u", "train")]
    assert [leak.image for leak in find_leaks(pictures[::-1])] == ["u", "t"]


def test_two_test_pictures_of_one_photo_do_not_leak_to_each_other() -> None:
    assert find_leaks([placed("a", "test", "a"), placed("b", "test", "a")]) == []
