"""Identify the format of a picture by its first bytes, including formats that are not supported.

Reads only the bytes it is given; imports no decoder. An unsupported picture is never reported as "not an image": the
message names its format and the format to save it in.
"""

import re
from pathlib import PurePosixPath

HEAD_BYTES = 1024
"""Number of bytes that `format_name` needs."""

SAVE_AS = "save it as JPEG, PNG or 8-bit TIFF"
HEIC = "HEIC"
HEIC_ADVICE = f"install docent[heic], or {SAVE_AS}"

# Formats that Pillow may try, and the suffix for each, as the file's own suffix may be wrong. MPO is a JPEG with other
# pictures after the first. HEIF is available only if the extra `heic` is installed.
SUFFIX_OF_FORMAT = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "JPEG2000": "jp2",
    "AVIF": "avif",
    "HEIF": "heic",
}

PHOTO_SUFFIXES = (".jpg", ".webp", ".avif", ".heic")
"""Formats for photos, with lossy compression: data sets publish them as JPEG, and all others as PNG."""

READABLE = frozenset({"JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "JPEG 2000", "AVIF"})
"""Names that `format_name` returns for the formats that are supported without an extra."""

# First bytes of each format. Raw camera formats that are TIFF files inside are recognised in tiff.py.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "JPEG 2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "JPEG XL": (b"\x00\x00\x00\x0cJXL \r\n\x87\n", b"\xff\x0a"),
    "Photoshop (PSD)": (b"8BPS\x00",),
    "GIMP (XCF)": (b"gimp xcf",),
    "PDF": (b"%PDF-",),
    "PostScript": (b"%!PS",),
    "PostScript (EPS)": (b"\xc5\xd0\xd3\xc6",),
    "raw camera file (Fujifilm RAF)": (b"FUJIFILMCCD-RAW",),
    "raw camera file (Olympus ORF)": (b"IIRO", b"IIRS", b"MMOR"),
    "raw camera file (Panasonic RW2)": (b"IIU\x00",),
    "raw camera file (Sigma X3F)": (b"FOVb",),
    "raw camera file (Minolta MRW)": (b"\x00MRM",),
    "OpenEXR": (b"v/1\x01",),
    "Radiance HDR": (b"#?RADIANCE",),
    "DjVu": (b"AT&TFORM",),
    "QOI": (b"qoif",),
    "DDS": (b"DDS ",),
    "Apple icon": (b"icns",),
    "Windows icon": (b"\x00\x00\x01\x00",),
    "MNG": (b"\x8aMNG\r\n\x1a\n",),
    "FITS": (b"SIMPLE  = ",),
}
# Brands of ISO base media files: the four bytes after `ftyp`, and the compatible ones that follow.
_BRANDS = {
    brand: name
    for name, brands in {
        "AVIF": (b"avif", b"avis"),
        HEIC: (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
        "raw camera file (Canon CR3)": (b"crx ",),
    }.items()
    for brand in brands
}
_NETPBM = re.compile(rb"P[1-7]\s")
_SVG = re.compile(rb"<svg[\s>:]", re.IGNORECASE)


OTHER_FILES = (
    (b"pk\x03\x04", "a ZIP archive or an Office document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"rar!", "a RAR archive"),
    (b"bplist", "a property list of macOS"),
)
"""Other files often found in place of photos, by their first bytes in lower case."""


def published_suffix(file: str) -> str:
    """Return the suffix, with its dot, under which a data set publishes a picture that `ingest` saved as `file`."""
    return ".jpg" if PurePosixPath(file).suffix in PHOTO_SUFFIXES else ".png"


def format_name(head: bytes) -> str:
    """Return the format of a file by its first HEAD_BYTES bytes, or "" if it is not a known picture format."""
    if name := next((name for name, signatures in _SIGNATURES.items() if head.startswith(signatures)), ""):
        return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "BMP"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[128:132] == b"DICM":
        return "DICOM"
    if _NETPBM.match(head):
        return "Netpbm"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return "SVG" if text.startswith(b"<") and _SVG.search(head) else ""


def what_it_is(head: bytes) -> str:
    """Return what a file that is not a picture seems to be, by its first bytes, for messages."""
    if not head.strip(b"\0"):
        return "the file is empty" if not head else "the file begins with zeros: it was not copied to its end"
    if known := next((name for start, name in OTHER_FILES if head.lstrip().lower().startswith(start)), ""):
        return f"it is {known}"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # an incomplete character at the end of the head is not an error
            return "it is of no known picture format"
        text = head[: error.start].decode("utf-8")
    return "it is a text" if all(c.isprintable() or c.isspace() for c in text) else "it is of no known picture format"


def _by_brand(head: bytes) -> str:
    """Return the format of an ISO base media file: by its major brand, or else by the first known compatible one."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    named = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    # `mif1` stands for any still picture, so a more specific brand after it decides.
    particular = [_BRANDS[brand] for brand in brands if brand in _BRANDS and brand not in (b"mif1", b"msf1")]
    return (particular or named or [""])[0]
