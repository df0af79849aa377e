import io
import random
from itertools import combinations

import pytest
from PIL import Image, ImageFilter
from tests.pairwise_hashes import near_identical, similarity

from docent.records import ImageQuality
from docent.vision.hashes import HashIndex
from docent.vision.quality import measure


def quality(name: str, ahash: str, phash: str) -> ImageQuality:
    return ImageQuality(
        id=name, image_id=name, keep=True, width_px=9, height_px=9, resolution_score=0, color_std=0, brightness=0,
        sharpness=0, ahash=ahash, phash=phash,
    )  # fmt: skip


def scene(seed: int) -> Image.Image:
    """A blurred mosaic: as much structure at low frequencies as a photograph."""
    rng = random.Random(seed)
    small = Image.frombytes("RGB", (12, 9), rng.randbytes(12 * 9 * 3))
    return small.resize((240, 180), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))


def hashed(name: str, picture: Image.Image) -> ImageQuality:
    found = measure(picture)
    return quality(name, found.ahash, found.phash)


def test_similarity_is_the_share_of_equal_bits() -> None:
    assert similarity("0" * 16, "0" * 16) == 1
    assert similarity("0" * 16, "f" * 16) == 0
    assert similarity("0" * 15 + "7", "0" * 16) == 1 - 3 / 64


@pytest.mark.feature("near-duplicate-images")
def test_a_resized_and_a_reencoded_copy_are_the_same_photograph_and_others_are_not() -> None:
    original = scene(1)
    file = io.BytesIO()
    original.save(file, "JPEG", quality=60)
    first = hashed("a", original)
    assert near_identical(first, hashed("b", Image.open(file)), 0.95)
    assert near_identical(first, hashed("c", original.resize((120, 90))), 0.95)
    assert not any(near_identical(first, hashed("d", scene(seed)), 0.95) for seed in range(2, 30))


def test_one_agreeing_hash_is_not_enough() -> None:
    assert not near_identical(quality("a", "0" * 16, "0" * 16), quality("b", "0" * 16, "f" * 16), 0.9)


def test_pictures_that_did_not_decode_are_never_the_same() -> None:
    assert not near_identical(quality("a", "", ""), quality("b", "", ""), 0.9)
    assert not HashIndex(0.9).matches(quality("a", "", "")).size


def test_the_quick_search_finds_exactly_the_pairs_that_comparing_all_finds() -> None:
    rng = random.Random(3)
    rows = []
    for group in range(40):
        ahash, phash = rng.getrandbits(64), rng.getrandbits(64)
        for member in range(4):
            flipped = [sum(1 << bit for bit in rng.sample(range(64), rng.randrange(8))) for _ in "ap"]
            rows.append(quality(f"{group}-{member}", f"{ahash ^ flipped[0]:016x}", f"{phash ^ flipped[1]:016x}"))
    for least in (1.0, 0.97, 0.95, 0.9, 0.8):
        every = {(a.id, b.id) for a, b in combinations(rows, 2) if near_identical(a, b, least)}
        index = HashIndex(least)
        found = []
        for row in rows:
            found += [(rows[k].id, row.id) for k in index.matches(row).tolist()]
            index.add(row)
        assert len(found) == len(set(found))
        assert {tuple(sorted(pair)) for pair in found} == {tuple(sorted(pair)) for pair in every}
    assert every
