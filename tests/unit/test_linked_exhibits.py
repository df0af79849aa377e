"""Links and runs inside an exhibit's folder: what is read there is what is hashed, and belongs to that exhibit."""

import logging
from pathlib import Path

import pytest
from tests.markdown_files import load
from tests.photo_files import encoded, mosaic, write

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Reject
from docent.source_files.digests import take_snapshot
from docent.stages.ingest.exhibits.csv_loader import list_exhibits as list_exhibits_csv
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.stages.ingest.images import Intake, Limits, load_photos


def photos_of(folder: Path) -> dict[str, list[str]]:
    found = list_exhibits(Source(kind="exhibits-folder", path=folder))
    return {one.name: [photo.name for photo in one.photos] for one in found if not isinstance(one, Reject)}


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    for number, name in enumerate(("jar", "vase")):
        write(tmp_path, f"{name}/description.txt", f"A {name}.".encode())
        write(tmp_path, f"{name}/{name}.jpg", encoded(mosaic(number), "JPEG"))
    return tmp_path


@pytest.mark.parametrize("target", ["..", ".", "../jar"])
def test_a_link_to_a_folder_above_does_not_lend_an_exhibit_the_photos_of_others(museum: Path, target: str) -> None:
    (museum / "jar" / "back").symlink_to(target)
    (museum / "jar" / "deep").mkdir()
    (museum / "jar" / "deep" / "up").symlink_to("../..")
    assert photos_of(museum) == {"jar": ["jar.jpg"], "vase": ["vase.jpg"]}


def test_a_link_to_a_folder_beside_the_exhibits_is_followed(museum: Path) -> None:
    write(museum, "shared/sides/a.jpg", encoded(mosaic(3), "JPEG"))
    (museum / "vase" / "more").symlink_to("../shared/sides")
    assert photos_of(museum)["vase"] == ["vase.jpg", "more/a.jpg"]


@pytest.mark.parametrize("linked", [False, True])
def test_pictures_of_a_run_are_no_photos_of_the_exhibit_that_holds_it(
    museum: Path, linked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run = "runs/demo" if linked else "vase/runs/demo"
    write(museum, f"{run}/pipeline.resolved.yaml", b"a: 1\n")
    write(museum, f"{run}/ingest/0123456789/files/a.jpg", encoded(mosaic(4), "JPEG"))
    if linked:
        (museum / "vase" / "made").symlink_to("../runs/demo/ingest/0123456789/files")
    with caplog.at_level(logging.WARNING):
        assert photos_of(museum)["vase"] == ["vase.jpg"]
    assert "docent writes to this folder" in caplog.text
    hashed = {Path(path).relative_to(museum).as_posix() for path in take_snapshot((museum,)).files}
    assert hashed == {f"{name}/{file}" for name in ("jar", "vase") for file in ("description.txt", f"{name}.jpg")}


def test_a_photo_whose_suffix_is_none_of_a_picture_is_told_by_its_bytes(museum: Path) -> None:
    data = encoded(mosaic(5), "JPEG")
    for name in ("Vase 12.03.2020", "vase.jpg_large", "IMG_1"):
        write(museum / "vase", name, data)
    write(museum / "vase", "notes.doc", b"\xd0\xcf\x11\xe0 no picture")
    assert photos_of(museum)["vase"] == ["IMG_1", "Vase 12.03.2020", "vase.jpg", "vase.jpg_large"]


def test_a_photo_or_figure_in_a_run_is_rejected_for_the_run_is_not_hashed(tmp_path: Path) -> None:
    write(tmp_path, "runs/demo/pipeline.resolved.yaml", b"a: 1\n")
    write(tmp_path, "runs/demo/ingest/a.jpg", encoded(mosaic(4), "JPEG"))
    write(tmp_path, "a.csv", b"item_name,train_images,description\nJug,runs/demo/ingest/a.jpg,A jug.\n")
    write(tmp_path, "a.md", b"# Jug\n\nThis jug is blue. ![a](runs/demo/ingest/a.jpg)\n")
    (exhibit,) = list_exhibits_csv(Source(kind="exhibits-csv", path=tmp_path / "a.csv", images=tmp_path))
    assert not isinstance(exhibit, Reject)
    images, (photo,) = load_photos(
        exhibit, Intake(Ingest(sources=(exhibit.source,)), Limits(1_000_000, 1e8), lambda *_: "files/x.jpg")
    )
    figure, document = load(tmp_path, "a.md")
    assert isinstance(figure, Reject) and not isinstance(document, Reject)
    assert not images and photo.reason == "photo lies in a folder that docent writes"
    assert figure.reason == "figure lies in a folder that docent writes"


def test_a_link_to_another_exhibit_or_to_all_of_them_is_not_read_again(
    museum: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (museum / "alias").symlink_to("vase")
    (museum / "loop").symlink_to(".")
    with caplog.at_level(logging.WARNING):
        found = list_exhibits(Source(kind="exhibits-folder", path=museum))
    assert [one.name for one in found if not isinstance(one, Reject)] == ["jar", "vase"] and len(found) == 2
    assert all(
        f"skipped link {museum}/{name}: its target is already part of the source" in caplog.text
        for name in ("alias", "loop")
    )
