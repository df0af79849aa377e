"""Raw files to items: ingest, assess-images, augment-images and assemble through the real stage shell."""

import io
import logging
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter
from tests.published import published

from docent.config import PipelineConfig
from docent.records import SPLITS, Document, ImageFile, ImageQuality, Item
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Artifact, Shard

STAGES = ("ingest", "assess-images", "augment-images", "assemble")


def photo(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A soft mosaic with grain: structure enough for hashes, edges enough to be sharp."""
    rng = random.Random(seed)
    coarse = Image.frombytes("RGB", (8, 6), rng.randbytes(8 * 6 * 3)).resize(size, Image.Resampling.BICUBIC)
    grain = Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3))
    return Image.blend(coarse, grain, 0.15)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def config(path: Path, kind: str = "exhibits-folder", **sections: Any) -> PipelineConfig:
    made: dict[str, Any] = {
        "run": {"input_wait_s": 0},
        "ingest": {"sources": [{"kind": kind, "path": str(path)}], "max_reject_rate": 1},
        "assess_images": {"shards": 1, "duplicate_similarity": 0.93},
        "augment_images": {"shards": 1},
        "assemble": {"images_per_item": 6, "test_images": 1},
    }
    for name, section in sections.items():
        made[name] = {**made[name], **section} if section is not None else None
    return PipelineConfig.model_validate(made)


def run(made: PipelineConfig, run_dir: Path, shards: int = 1, stages: tuple[str, ...] = STAGES) -> dict[str, Artifact]:
    for stage in stages:
        count = 1 if stage == "assemble" else shards
        for index in reversed(range(count)):
            assert run_shard(made, stage, run_dir, Shard(index, count)) == 0, stage
    states = RunStates(made, run_dir)
    return {stage: artifact for stage in stages if (artifact := states.of(stage).artifact)}


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    """Five exhibits: four photos, two, one, none, and one that only holds what cannot be used."""
    folder = tmp_path / "museum"
    for name, seeds in {"cube": (1, 2, 3, 4), "torus": (5, 6), "sphere": (7,), "void": (), "wreck": ()}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "description.txt").write_text(f"The {name} is a form.\n")
        for seed in seeds:
            (folder / name / f"view-{seed}.jpg").write_bytes(jpeg(photo(seed)))
    whole = jpeg(photo(8))
    (folder / "wreck" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "wreck" / "text.jpg").write_bytes(b"no image")
    (folder / "wreck" / "small.jpg").write_bytes(jpeg(photo(9, (40, 30))))
    (folder / "wreck" / "plain.png").write_bytes(jpeg(Image.new("RGB", (90, 90), (120, 130, 90))))
    return folder


def test_raw_folders_become_items_and_nothing_is_lost(museum: Path, run_dir: Path) -> None:
    made = run(config(museum), run_dir)
    documents = list(made["ingest"].rows(Document))
    assert [document.name for document in documents] == ["cube", "sphere", "torus", "void", "wreck"]
    assert [(r.reason, r.raw) for r in made["ingest"].rejects()] == [
        ("no photo", "void"),
        ("does not decode", "cut.jpg"),
        ("not an image", "text.jpg"),
    ]
    measured = {q.image_id: q for q in made["assess-images"].rows(ImageQuality)}
    names = {image.id: image.name for document in documents for image in document.images}
    assert set(measured) == set(names)
    assert {names[q.image_id]: q.reasons for q in measured.values() if not q.keep} == {
        "small.jpg": ("too small",),
        "plain.png": ("blank",),
    }
    items = {item.name: Counter(p.split for p in item.images) for item in made["assemble"].rows(Item)}
    assert items == {
        "cube": {"train": 4, "validation": 1, "test": 1},
        "torus": {"train": 5, "test": 1},
        "sphere": {"train": 6},
    }
    assert [(r.reason, r.raw) for r in made["assemble"].rejects()] == [
        ("no usable photo", "void"),
        ("no usable photo", "wreck"),
    ]


def test_copies_are_real_pictures_of_the_same_size_with_their_lineage(museum: Path, run_dir: Path) -> None:
    made = run(config(museum), run_dir)
    originals = {image.id: image for document in made["ingest"].rows(Document) for image in document.images}
    copies = list(made["augment-images"].rows(ImageFile))
    assert len(copies) == 11
    for copy in copies:
        original = originals[copy.parents[0]]
        assert copy.group == original.group and copy.transforms
        with Image.open(made["augment-images"].file(copy.file)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (original.width_px, original.height_px))
        assert copy.name.startswith(f"{Path(original.name).stem}-aug")
    for item in made["assemble"].rows(Item):
        trained = {p.image.group for p in item.images if p.split == "train"}
        assert not trained & {p.image.group for p in item.images if p.split != "train"}
        assert all(not p.image.transforms for p in item.images if p.split == "test")
        order = [SPLITS.index(p.split) for p in item.images]
        assert order == sorted(order)


def test_any_number_of_shards_in_any_order_gives_the_same_bytes(museum: Path, tmp_path: Path) -> None:
    made = config(museum)
    once, divided = run(made, tmp_path / "one"), run(made, tmp_path / "four", shards=4)
    for stage in STAGES:
        assert once[stage].digest == divided[stage].digest
        rows = [
            b"".join((a[stage].folder / p.path).read_bytes() for p in a[stage].success.parts) for a in (once, divided)
        ]
        assert rows[0] == rows[1]
        assert [r.model_dump() for r in once[stage].rejects()] == [r.model_dump() for r in divided[stage].rejects()]


def test_the_museum_at_another_place_gives_the_same_bytes(museum: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "museum"
    shutil.copytree(museum, moved)
    here, there = run(config(museum), tmp_path / "one"), run(config(moved), tmp_path / "two")
    assert [here[stage].digest for stage in STAGES] == [there[stage].digest for stage in STAGES]


def test_another_seed_makes_other_copies(museum: Path, tmp_path: Path) -> None:
    first = run(config(museum), tmp_path / "one")["augment-images"]
    second = run(config(museum).model_copy(update={"seed": 8}), tmp_path / "two")["augment-images"]
    assert {i.sha256 for i in first.rows(ImageFile)}.isdisjoint(i.sha256 for i in second.rows(ImageFile))


def test_the_same_photograph_saved_again_counts_once(museum: Path, run_dir: Path) -> None:
    (museum / "cube" / "view-9.jpg").write_bytes(jpeg(photo(2), quality=70))
    (museum / "cube" / "soft.jpg").write_bytes(jpeg(photo(3, (480, 360)).filter(ImageFilter.GaussianBlur(25))))
    made = run(config(museum), run_dir)
    names = {i.id: i.name for d in made["ingest"].rows(Document) for i in d.images}
    dropped = {names[q.image_id]: q for q in made["assess-images"].rows(ImageQuality) if not q.keep}
    assert dropped["view-9.jpg"].reasons == ("duplicate of view-2.jpg",)
    assert names[dropped["view-9.jpg"].duplicate_of or ""] == "view-2.jpg"
    assert dropped["soft.jpg"].reasons == ("blurred",)
    (cube,) = (item for item in made["assemble"].rows(Item) if item.name == "cube")
    assert {"view-9.jpg", "soft.jpg"}.isdisjoint(p.image.name for p in cube.images)


def test_a_photo_in_two_exhibits_tests_neither(museum: Path, tmp_path: Path) -> None:
    (museum / "torus" / "view-2.jpg").write_bytes(jpeg(photo(2), quality=75))
    for seed in range(6):
        made = run(config(museum).model_copy(update={"seed": seed}), tmp_path / str(seed))
        for item in made["assemble"].rows(Item):
            assert {p.split for p in item.images if p.image.name.startswith("view-2")} <= {"train"}


def test_without_assessment_every_photo_is_used_and_without_copies_only_originals(museum: Path, run_dir: Path) -> None:
    shutil.rmtree(museum / "wreck")
    made = config(museum, assess_images=None, augment_images=None)
    items = list(run(made, run_dir, stages=("ingest", "assemble"))["assemble"].rows(Item))
    assert {item.name: len(item.images) for item in items} == {"cube": 4, "sphere": 1, "torus": 2}


def test_a_photo_that_is_damaged_behind_its_old_time_is_noticed_before_it_is_copied(
    museum: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = config(museum, assess_images=None)
    ingested = run(made, run_dir, stages=("ingest",))["ingest"]
    (image,) = (i for d in ingested.rows(Document) for i in d.images if i.name == "view-7.jpg")
    path = ingested.file(image.file)
    whole = path.read_bytes()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    os.utime(path, ns=times)
    assert run_shard(made, "augment-images", run_dir) == 44
    assert "augment-images needs units that are not complete: ingest" in caplog.text


def test_no_photo_to_test_with_is_one_message_with_the_way_out(
    tmp_path: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("cube", "torus"):
        (tmp_path / "museum" / name).mkdir(parents=True)
        (tmp_path / "museum" / name / "description.txt").write_text("A form.")
        (tmp_path / "museum" / name / "a.jpg").write_bytes(jpeg(photo(len(name))))
    made = config(tmp_path / "museum")
    run(made, run_dir, stages=STAGES[:3])
    caplog.clear()
    assert run_shard(made, "assemble", run_dir) == 42
    assert "no exhibit has a test photo: 2 exhibits have 2 usable photos" in caplog.text
    assert "--set assemble.split=published" in caplog.text
    assert "Traceback" not in caplog.text
    published = run(config(tmp_path / "museum", assemble={"split": "published"}), run_dir)
    assert {Counter(p.split for p in i.images)["test"] for i in published["assemble"].rows(Item)} == {1}


def test_given_with_folders_ends_with_42_and_names_the_exhibit(
    museum: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = config(museum, assemble={"split": "given"})
    run(made, run_dir, stages=STAGES[:2])
    assert run_shard(made, "augment-images", run_dir) == 42
    assert "assigns no splits to exhibit 'cube'" in caplog.text


def test_too_many_absent_photos_stop_the_run_before_anything_is_built_on_them(
    tmp_path: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpeg(photo(1)))
    table = 'item_name,description,train_images\ncube,A cube.,"a.jpg\nb.jpg\n../c.jpg"\n'
    (tmp_path / "raw.csv").write_text(table)
    made = config(tmp_path / "raw.csv", "exhibits-csv", ingest={"max_reject_rate": 0.05})
    assert run_shard(made, "ingest", run_dir) == 42
    assert "ingest rejected 2 of 4 (limit 5%)" in caplog.text
    assert "1 x photo not found" in caplog.text and "1 x path leaves the images folder" in caplog.text


def test_a_table_of_which_most_photos_are_absent_gives_the_items_whose_photos_are_there(
    tmp_path: Path, run_dir: Path
) -> None:
    """Of each, the table names two photos for training and one for testing."""
    (tmp_path / "images").mkdir()
    for name, seed in (("cube-1", 1), ("cube-3", 2), ("torus-1", 3)):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg(photo(seed)))
    lists = [(f"{name}-1.jpg\n{name}-2.jpg", f"{name}-3.jpg") for name in ("cube", "torus", "cone")]
    rows = [f'{item.split("-")[0]},A form.,"{item}","{test}"' for item, test in lists]
    (tmp_path / "raw.csv").write_text("\n".join(["item_name,description,train_images,test_images", *rows, ""]))
    made = config(tmp_path / "raw.csv", "exhibits-csv", assemble={"split": "given", "images_per_item": 4})
    done = run(made, run_dir)
    assert done["ingest"].success.rows == 3
    assert Counter(r.reason for r in done["ingest"].rejects()) == {"photo not found": 6}
    items = {item.name: Counter(p.split for p in item.images) for item in done["assemble"].rows(Item)}
    assert items == {"cube": {"train": 2, "test": 1}, "torus": {"train": 2}}
    assert [(r.reason, r.raw) for r in done["assemble"].rejects()] == [("no usable photo", "cone")]


@pytest.mark.published
def test_the_published_table_with_four_photos_gives_four_items(run_dir: Path) -> None:
    source = {
        "kind": "exhibits-csv",
        "path": str(published("museum/smithsonian_raw_data.csv")),
        "images": str(published("photos")),
    }
    made = config(Path("unused"), ingest={"sources": [source]}, assemble={"split": "given", "images_per_item": 15})
    done = run(made, run_dir)
    assert done["ingest"].success.rows == 65
    assert Counter(r.reason for r in done["ingest"].rejects()) == {"photo not found": 971}
    items = {item.name: Counter(p.split for p in item.images) for item in done["assemble"].rows(Item)}
    usual = {"train": 13, "validation": 1, "test": 1}
    assert items == {
        "1903-wright-flyer": {"train": 10, "validation": 3, "test": 1},  # the other of its two test photos is absent
        "nakhla-meteorite-fragment": usual,
        "plymouth-rock-piece": usual,
        "weathervane-teapot": usual,
    }


def test_every_stage_is_done_with_the_sample_museum_in_seconds(run_dir: Path) -> None:
    path = Path(__file__).parents[2] / "samples" / "museum" / "raw_data.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    source = {"kind": "exhibits-csv", "path": str(path)}
    made = config(
        path, ingest={"sources": [source], "max_reject_rate": 0}, assemble={"images_per_item": 15, "test_images": 3}
    )
    cpu_s = {}
    for stage in STAGES:
        started_s = time.process_time()
        run(made, run_dir, stages=(stage,))
        cpu_s[stage] = time.process_time() - started_s
    logging.getLogger("docent.test").info("%s", cpu_s)
    assert all(seconds < 5 for seconds in cpu_s.values()), cpu_s
    items = list(run(made, run_dir)["assemble"].rows(Item))
    assert {tuple(sorted(Counter(p.split for p in i.images).items())) for i in items} == {
        (("test", 3), ("train", 11), ("validation", 1))
    }
