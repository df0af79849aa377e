"""Creator, copyright and licence of photos: read from every kind of metadata, written into copies, and nothing else."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from tests.photo_files import LIMIT, encoded, four_corners, shows_four_corners, write

from docent.records import ImageFile
from docent.vision.augment import to_jpeg
from docent.vision.files.credit import Credit
from docent.vision.files.formats import published_suffix
from docent.vision.files.publish import published
from docent.vision.photos import decode, examine

XMP = """<?xpacket begin='' id='W5M0'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF
 xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''
 xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:cc='http://creativecommons.org/ns#'
 xmlns:exif='http://ns.adobe.com/exif/1.0/' exif:GPSLatitude='48,8.5N'>
 <dc:creator><rdf:Seq><rdf:li>Zoë Kern</rdf:li><rdf:li>Studio Nord</rdf:li></rdf:Seq></dc:creator>
 <dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>© Museum &amp; Archive</rdf:li></rdf:Alt></dc:rights>
 <cc:license rdf:resource='https://creativecommons.org/licenses/by/4.0/'/>
 </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""
FROM_XMP = Credit("Zoë Kern; Studio Nord", "© Museum & Archive", "https://creativecommons.org/licenses/by/4.0/")
SECRETS = (b"SN-4711-XYZ", b"48,8.5N", b"HISTORY-OF-EDITS", b"CAM-MODEL")


def exif(artist: str = "", copyright_: str = "", orientation: int = 1) -> Image.Exif:
    """EXIF of a camera: place, serial number and model beside artist and copyright."""
    made = Image.Exif()
    made[0x0110], made[0x0112] = "CAM-MODEL", orientation
    if artist:
        made[0x013B] = artist.encode()
    if copyright_:
        made[0x8298] = copyright_.encode()
    made.get_ifd(0x8769)[0xA431] = "SN-4711-XYZ"
    made.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 30.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    return made


def sign(kind: str) -> str:
    """A notice that Pillow can write: in TIFF and AVIF it makes question marks of what is not ASCII."""
    return "(c) 2024 Lind" if kind in ("TIFF", "AVIF") else "© 2024 Lind"


def iptc(byline: bytes, notice: bytes) -> bytes:
    records = b"".join(
        b"\x1c\x02" + struct.pack(">BH", number, len(v)) + v for number, v in ((80, byline), (116, notice))
    )
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + b"\0" * (len(records) & 1)
    block = b"Photoshop 3.0\0" + resource
    data = encoded(four_corners(), "JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]


def row(path: Path) -> ImageFile:
    found = examine(path.read_bytes(), LIMIT)
    return ImageFile(
        id="a", name=path.name, unit="ingest", file=f"files/a.{found.suffix}", sha256="", width_px=found.width_px,
        height_px=found.height_px, group="a", creator=found.credit.creator, copyright=found.credit.copyright,
        license=found.credit.license,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_and_xmp_are_read_from_every_format(kind: str) -> None:
    data = encoded(four_corners(), kind, exif=exif("Ada Lind", sign(kind)).tobytes())
    assert examine(data, LIMIT).credit == Credit("Ada Lind", sign(kind))
    options = {"tiffinfo": {700: XMP.encode()}} if kind == "TIFF" else {"xmp": XMP.encode()}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP)
        options = {"pnginfo": text}
    assert examine(encoded(four_corners(), kind, **options), LIMIT).credit == FROM_XMP


def test_iptc_and_text_chunks_are_read_and_old_encodings_kept() -> None:
    assert examine(iptc("Jörg Öst".encode("latin-1"), b"Archive"), LIMIT).credit == Credit("Jörg Öst", "Archive")
    text = PngImagePlugin.PngInfo()
    for key, value in (("Author", "Ines"), ("Copyright", "Ines 2020"), ("License", "CC0"), ("Comment", "no credit")):
        text.add_text(key, value)
    assert examine(encoded(four_corners(), "PNG", pnginfo=text), LIMIT).credit == Credit("Ines", "Ines 2020", "CC0")


def test_properties_written_as_attributes_count_too() -> None:
    xmp = (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description xmlns:xmpRights='http://ns.adobe.com/xap/1.0/rights/' xmpRights:WebStatement='https://e.org/l'/>"
        "</rdf:RDF></x:xmpmeta>"
    )
    assert examine(encoded(four_corners(), "JPEG", xmp=xmp.encode()), LIMIT).credit == Credit(license="https://e.org/l")


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>",
        "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
        "<x><unclosed>",
    ],
)
def test_hostile_xmp_is_not_read(prolog: str) -> None:
    hostile = (prolog + XMP.partition("?>")[2].partition("<?xpacket")[0].replace("Zoë", "&b;")).encode()
    assert examine(encoded(four_corners(), "PNG", xmp=hostile), LIMIT).credit == Credit()
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", hostile.decode())
    assert examine(encoded(four_corners(), "PNG", pnginfo=text), LIMIT).credit == Credit()


def test_a_credit_is_one_short_line_without_control_characters() -> None:
    hostile = "Eve\r\n\x1b[31m\u202e " + "x" * 5000
    credit = examine(encoded(four_corners(), "JPEG", exif=exif(hostile).tobytes()), LIMIT).credit
    assert credit.creator.startswith("Eve [31m xxx") and len(credit.creator) == 500
    assert credit.creator.isprintable()


def test_an_altered_copy_carries_the_credit_and_one_without_credit_no_metadata() -> None:
    data = to_jpeg(four_corners(), FROM_XMP)
    assert examine(data, LIMIT).credit == FROM_XMP
    with Image.open(io.BytesIO(data)) as copy:
        assert set(copy.getexif()) == {0x013B, 0x8298}
    assert b"Exif" not in to_jpeg(four_corners()) and b"adobe" not in to_jpeg(four_corners())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_published_photo_has_its_credit_its_pixels_and_nothing_else(tmp_path: Path, kind: str) -> None:
    options: dict[str, object] = {"quality": 95} if kind in ("JPEG", "AVIF") else {}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "HISTORY-OF-EDITS")
        options["pnginfo"] = text
    turned = four_corners().transpose(Image.Transpose.ROTATE_90)
    stored = encoded(turned, kind, exif=exif("Ada Lind", sign(kind), orientation=6).tobytes(), **options)
    behind = b"HISTORY-OF-EDITS 48,8.5N" if kind in ("JPEG", "PNG", "WEBP") else b""
    path = write(tmp_path, "photo.bin", stored + behind)
    image = row(path)
    data = published(path, image)
    assert not [secret for secret in SECRETS if secret in data]
    assert examine(data, LIMIT).credit == Credit("Ada Lind", sign(kind))
    assert "." + examine(data, LIMIT).suffix == published_suffix(image.file)
    out = write(tmp_path, "out", data)
    assert shows_four_corners(decode(out, LIMIT))
    if kind in ("PNG", "TIFF"):
        assert decode(out, LIMIT).tobytes() == decode(path, LIMIT).tobytes()
    with Image.open(out) as again:
        again.load()
        assert (again.format, again.mode) == ("PNG" if kind in ("PNG", "TIFF") else "JPEG", "RGB")
        assert set(again.getexif()) == {0x013B, 0x8298} and not again.getexif().get_ifd(0x8825)
        assert shows_four_corners(again), "upright for a reader that knows no EXIF"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_without_metadata_is_published_byte_for_byte(tmp_path: Path, kind: str) -> None:
    for options in ({}, {"progressive": True, "subsampling": 0}) if kind == "JPEG" else ({},):
        path = write(tmp_path, "a", encoded(four_corners(), kind, **options))
        assert published(path, row(path)) == path.read_bytes()


def test_the_photos_of_the_sample_museum_are_published_byte_for_byte() -> None:
    photos = sorted((Path(__file__).parents[2] / "samples/museum/images").glob("*"))[:8]
    assert photos
    for path in photos:
        assert published(path, row(path)) == path.read_bytes()


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "GIF"])
def test_an_animation_is_published_as_the_frame_that_was_used(tmp_path: Path, kind: str) -> None:
    white = Image.new("RGB", (60, 90), "white")
    options = {"lossless": True} if kind == "WEBP" else {}
    path = write(tmp_path, "a", encoded(white, kind, save_all=True, append_images=[four_corners()], **options))
    data = published(path, row(path))
    assert examine(data, LIMIT).notes == ()
    assert shows_four_corners(decode(write(tmp_path, "out", data), LIMIT))
