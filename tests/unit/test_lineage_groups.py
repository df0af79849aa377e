"""Lineage groups come from the photo, not from the stem of its name; copies `-aug<k>` stay with their original."""

from pathlib import Path

from tests.photo_files import encoded, mosaic, write

from docent.config.sources import Source
from docent.config.stages import Assemble, Ingest
from docent.records import ImageFile, Span, make_id
from docent.stages.ingest.images import Intake, Limits, load_photos
from docent.stages.ingest.sources import Exhibit, ListedPhoto
from docent.vision.lineage import copy_name
from docent.vision.splits import plan_document
from docent.vision.usable import Usable


def exhibit_with(folder: Path, *names: str) -> Exhibit:
    for number, name in enumerate(names):
        kind = "PNG" if name.endswith("png") else "WEBP" if name.endswith("webp") else "JPEG"
        write(folder, name, encoded(mosaic(number), kind))
    return Exhibit(
        source=Source(kind="exhibits-csv", path=folder / "raw.csv"), name="chair", text="A chair.",
        span=Span(file="raw.csv", first_line=2, last_line=2), root=folder, folder=folder,
        photos=tuple(ListedPhoto(name, "raw.csv line 2") for name in names),
    )  # fmt: skip


def loaded(exhibit: Exhibit) -> dict[str, ImageFile]:
    images, rejects = load_photos(
        exhibit, Intake(Ingest(sources=(exhibit.source,)), Limits(1_000_000, 1e8), lambda *_: "files/x.jpg")
    )
    assert not rejects
    return {image.name: image for image in images}


def test_two_photos_of_one_stem_are_two_groups(tmp_path: Path) -> None:
    images = loaded(exhibit_with(tmp_path, "chair.jpg", "chair.png", "table.jpg"))
    assert len({image.group for image in images.values()}) == 3


def test_a_copy_shares_the_group_of_its_original_and_a_group_is_named_by_content(tmp_path: Path) -> None:
    exhibit = exhibit_with(tmp_path, "chair.jpg", "chair-aug3.jpg", "table.png")
    images = loaded(exhibit)
    assert images["chair.jpg"].group == images["chair-aug3.jpg"].group
    assert images["chair.jpg"].group == make_id("lineage", (), images["chair.jpg"].sha256)
    assert images["table.png"].group == make_id("lineage", (), images["table.png"].sha256)


def test_a_copy_of_one_of_two_photos_of_a_stem_joins_both_since_its_original_is_unknown(tmp_path: Path) -> None:
    images = loaded(exhibit_with(tmp_path, "chair.png", "chair.webp", "chair-aug0.jpg"))
    assert len({image.group for image in images.values()}) == 1


def test_copies_made_of_two_photos_of_one_stem_have_different_names(tmp_path: Path) -> None:
    exhibit = exhibit_with(tmp_path, "chair.jpg", "chair.png")
    document = exhibit.document().model_copy(update={"images": tuple(loaded(exhibit).values())})
    section = Assemble(images_per_item=8, test_images=0, validation_images=0)
    copies = plan_document(document, Usable({document.id: document.images}), section, 7).copies
    assert {copy.original.name for copy in copies} == {"chair.jpg", "chair.png"}
    assert len({copy_name(copy.original.name, copy.number) for copy in copies}) == 6
