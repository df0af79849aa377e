"""Photos with credit, several frames, profiles and damage, through the stages from ingest to build-dataset."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.photo_files import LIMIT, encoded, mosaic, write

from docent.config import PipelineConfig
from docent.records import Document, Example, ImageFile, ImageQuality
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Artifact
from docent.vision.photos import decode, examine

STAGES = ("ingest", "assess-images", "augment-images", "assemble", "generate-qa", "build-dataset")
PLACE = b"48 deg 8.5 north"
CREDIT = ("Ada Lind", "(c) 2024 Lind")


def with_credit(picture: Image.Image, kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298], exif[0x9286], exif[0x0112] = (*CREDIT, PLACE.decode(), 6)
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 30.0)})
    return encoded(picture, kind, exif=exif.tobytes())


def damaged_png() -> bytes:
    data = encoded(mosaic(99), "PNG")
    return data[: len(data) * 2 // 3]


def config(folder: Path, **sections: Any) -> PipelineConfig:
    made: dict[str, Any] = {
        "run": {"input_wait_s": 0},
        "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(folder)}], "max_reject_rate": 1},
        "assess_images": {"shards": 1},
        "augment_images": {"shards": 1},
        "assemble": {"images_per_item": 6, "test_images": 1},
        "generate_qa": {"shards": 1},
        "build_dataset": {},
    }
    return PipelineConfig.model_validate({**made, **sections})


def run(made: PipelineConfig, run_dir: Path, stages: tuple[str, ...]) -> dict[str, Artifact]:
    for stage in stages:
        assert run_shard(made, stage, run_dir) == 0, stage
    states = RunStates(made, run_dir)
    return {stage: artifact for stage in stages if (artifact := states.of(stage).artifact)}


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    text = b"The vase was made in 1780 in Vienna. It is 31 cm high. It shows a river and three boats."
    write(tmp_path, "museum/vase/description.txt", text)
    for number in range(3):
        write(tmp_path, f"museum/vase/view-{number}.jpg", with_credit(mosaic(number), "JPEG"))
    write(tmp_path, "museum/vase/scan.tif", with_credit(mosaic(4), "TIFF"))
    white = Image.new("RGB", (96, 72), "white")
    write(tmp_path, "museum/vase/turn.gif", encoded(white, "GIF", save_all=True, append_images=[mosaic(5)]))
    write(tmp_path, "museum/vase/damaged.png", damaged_png())
    return tmp_path / "museum"


@pytest.mark.parametrize("assessed", [True, False])
def test_a_damaged_png_is_one_reject_and_reaches_no_stage(museum: Path, run_dir: Path, assessed: bool) -> None:
    made = config(museum) if assessed else config(museum, assess_images=None)
    done = run(made, run_dir, tuple(stage for stage in STAGES if assessed or stage != "assess-images"))
    (reject,) = done["ingest"].rejects()
    assert (reject.reason, reject.raw) == ("does not decode", "damaged.png")
    assert not [r for stage in STAGES[1:4] if stage in done for r in done[stage].rejects()]
    rows = [i for d in done["ingest"].rows(Document) for i in d.images] + list(done["augment-images"].rows(ImageFile))
    assert rows and not [image for image in rows if image.name.startswith("damaged")]
    for row in done["build-dataset"].rows(Example):
        assert all(decode(done["build-dataset"].file(file), LIMIT) for file in row.files)


def test_an_animation_that_fades_in_is_kept_and_said_in_row_and_log(
    museum: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = run(config(museum), run_dir, STAGES[:2])
    (turn,) = (i for d in done["ingest"].rows(Document) for i in d.images if i.name == "turn.gif")
    assert turn.notes == ("animation of 2 frames: only frame 2 is used",)
    assert "turn.gif: animation of 2 frames: only frame 2 is used" in caplog.text
    assert {q.image_id: q for q in done["assess-images"].rows(ImageQuality)}[turn.id].keep


def test_credit_reaches_rows_copies_and_data_set_and_the_place_does_not(museum: Path, run_dir: Path) -> None:
    done = run(config(museum), run_dir, STAGES)
    for stage in ("ingest", "augment-images", "assemble", "build-dataset"):
        rows = b"".join((done[stage].folder / part.path).read_bytes() for part in done[stage].success.parts)
        assert PLACE not in rows and b"48.0" not in rows
    originals = [i for d in done["ingest"].rows(Document) for i in d.images]
    assert {i.name for i in originals if (i.creator, i.copyright) == CREDIT} == {
        "scan.tif", "view-0.jpg", "view-1.jpg", "view-2.jpg",
    }  # fmt: skip
    for copy in done["augment-images"].rows(ImageFile):
        credit = examine(done["augment-images"].file(copy.file).read_bytes(), LIMIT).credit
        assert (credit.creator, credit.copyright) == (copy.creator, copy.copyright)
        assert (copy.creator != "") == (not copy.name.startswith("turn"))
    handed_on = {file for row in done["build-dataset"].rows(Example) for file in row.files}
    assert {Path(file).suffix for file in handed_on} <= {".jpg", ".png"}
    for output in done["build-dataset"].success.files:
        assert PLACE not in done["build-dataset"].file(output.path).read_bytes(), output.path
    for file in handed_on:
        data = done["build-dataset"].file(file).read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.mode, dict(picture.getexif().get_ifd(0x8825))) == ("RGB", {})
            assert set(picture.getexif()) <= {0x013B, 0x8298}, "no orientation"
        assert (examine(data, LIMIT).credit.creator == "Ada Lind") == ("turn" not in file)


def test_rows_of_plain_photos_have_no_empty_fields_for_notes_and_credit(tmp_path: Path, run_dir: Path) -> None:
    write(tmp_path, "museum/cube/description.txt", b"A cube.")
    write(tmp_path, "museum/cube/a.jpg", encoded(mosaic(1), "JPEG"))
    done = run(config(tmp_path / "museum"), run_dir, STAGES[:1])
    (part,) = done["ingest"].success.parts
    (image,) = json.loads((done["ingest"].folder / part.path).read_text())["images"]
    assert not {"notes", "creator", "copyright", "license"} & set(image)


def test_exhibit_photos_that_differ_in_color_alone_are_all_kept(tmp_path: Path, run_dir: Path) -> None:
    write(tmp_path, "museum/chairs/description.txt", b"Chairs in three colours.")
    colors = {"red": (200, 60, 60), "green": (20, 136, 40), "blue": (70, 100, 220)}
    for name, color in colors.items():
        picture = mosaic(5, (160, 120)).convert("L").convert("RGB")
        picture.paste(color, (50, 35, 110, 85))
        write(tmp_path, f"museum/chairs/{name}.png", encoded(picture, "PNG"))
        write(tmp_path, f"museum/chairs/{name}.webp", encoded(picture, "WEBP", quality=70))
    done = run(config(tmp_path / "museum"), run_dir, STAGES[:2])
    names = {i.id: i.name for d in done["ingest"].rows(Document) for i in d.images}
    dropped = {names[q.image_id]: q.reasons for q in done["assess-images"].rows(ImageQuality) if not q.keep}
    assert dropped == {f"{name}.webp": (f"duplicate of {name}.png",) for name in colors}
