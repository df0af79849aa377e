import hashlib
import os
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from docent.vision.augment import MAX_SIDE_PX, TRANSFORMS, alter, check_sides, choose, to_jpeg
from docent.vision.photos import PhotoError

SCRIPT = """
import hashlib, random
from PIL import Image
from docent.vision.augment import TRANSFORMS, alter, to_jpeg
picture = Image.radial_gradient("L").resize((120, 90)).convert("RGB")
print(hashlib.sha256(to_jpeg(alter(picture, tuple(TRANSFORMS), random.Random(5)))).hexdigest())
"""


def picture() -> Image.Image:
    return Image.radial_gradient("L").resize((120, 90)).convert("RGB")


@pytest.mark.feature("augmentation")
def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    here = hashlib.sha256(to_jpeg(alter(picture(), tuple(TRANSFORMS), random.Random(5)))).hexdigest()
    environ = {**os.environ, "PYTHONHASHSEED": "11"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == here


@pytest.mark.feature("augmentation")
def test_another_seed_gives_another_copy_and_the_size_stays() -> None:
    copies = [alter(picture(), tuple(TRANSFORMS), random.Random(seed)) for seed in range(10)]
    assert len({copy.tobytes() for copy in copies}) == 10
    assert {copy.size for copy in copies} == {(120, 90)}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_changes_the_picture_and_leaves_no_black_corner(name: str) -> None:
    original = Image.new("RGB", (90, 60), (200, 180, 160))
    original.paste((120, 60, 200), (0, 0, 30, 60))
    for seed in range(5):
        altered = alter(original, (name,), random.Random(seed))
        assert altered.tobytes() != original.tobytes()
        assert np.asarray(altered).sum(axis=2).min() > 150


@pytest.mark.feature("augmentation")
def test_each_transform_falls_to_about_half_of_the_copies_and_none_goes_without() -> None:
    drawn = [choose(0.5, random.Random(seed)) for seed in range(2000)]
    assert all(drawn)
    shares = {name: count / 2000 for name, count in Counter(name for names in drawn for name in names).items()}
    # 0.5 / (1 - 0.5^5), because throws without any are repeated
    assert all(abs(shares[name] - 0.516) < 0.04 for name in TRANSFORMS)
    order = list(TRANSFORMS)
    assert all(list(names) == sorted(names, key=order.index) for names in drawn)


def test_even_with_chance_zero_a_copy_is_no_mere_copy() -> None:
    assert len(choose(0.0, random.Random(1))) == 1
    assert choose(1.0, random.Random(1)) == tuple(TRANSFORMS)


def test_two_transforms_of_one_copy_do_not_draw_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    class Recorder:
        def set_random_seed(self, seed: int) -> None:
            seeds.append(seed)

        def __call__(self, image: object) -> dict[str, object]:
            return {"image": image}

    for name in TRANSFORMS:
        monkeypatch.setitem(TRANSFORMS, name, Recorder)
    alter(picture(), tuple(TRANSFORMS), random.Random(1))
    assert len(set(seeds)) == len(TRANSFORMS)


def test_a_strip_too_long_for_the_warps_is_refused() -> None:
    with pytest.raises(PhotoError, match="too long to alter"):
        check_sides(Image.new("L", (MAX_SIDE_PX + 1, 1)))
