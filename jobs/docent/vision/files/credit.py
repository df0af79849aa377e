"""Read the creator, rights holder and licence of a photo from its metadata, and write them into copies.

Reads only these fields (XMP, IPTC, EXIF, text chunks of PNG); place, camera and serial numbers are never copied.
Metadata is untrusted: its size is bounded, and XMP that declares entities or a document type is not read.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from PIL import Image, IptcImagePlugin

MAX_CHARS = 500
"""Largest length of each part of a credit."""
MAX_XMP_BYTES = 1 << 20
_MAX_VALUES = 20
"""Largest number of values of one property."""
_ARTIST, _COPYRIGHT, _XP_AUTHOR = 0x013B, 0x8298, 0x9C9D
_IPTC_BYLINE, _IPTC_COPYRIGHT = (2, 80), (2, 116)

# Broad on purpose: on damaged files, Pillow's metadata readers raise more than the documented OSError.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError)

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_CC = "http://creativecommons.org/ns#"
# XMP properties and the part of the credit that each provides; of several properties for a part, the first wins.
_PROPERTIES = {
    f"{{{_DC}}}creator": "creator",
    f"{{{_DC}}}rights": "copyright",
    f"{{{_CC}}}license": "license",
    f"{{{_RIGHTS}}}WebStatement": "license",
    f"{{{_RIGHTS}}}UsageTerms": "license",
}
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" xmlns:dc="{dc}"'
    ' xmlns:xmpRights="{rights}">{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True)
class Credit:
    """Credit of a photo; a missing part is ""."""

    creator: str = ""
    copyright: str = ""
    license: str = ""

    def __bool__(self) -> bool:
        return bool(self.creator or self.copyright or self.license)


NO_CREDIT = Credit()


def read_credit(picture: Image.Image) -> Credit:
    """Return the credit of a decoded picture; each part is from the first source of XMP, IPTC, EXIF and text chunks."""
    sources = [_from_xmp(picture), _from_iptc(picture), _from_exif(picture), _from_text(picture)]
    parts = {
        part: next((clean for one in sources if (clean := clean_text(one.get(part, "")))), "")
        for part in ("creator", "copyright", "license")
    }
    return Credit(**parts)


def clean_text(text: str) -> str:
    """Return a credit on one line, without control and format characters, cut to MAX_CHARS."""
    visible = "".join(c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in text[: 4 * MAX_CHARS])
    return " ".join(visible.split())[:MAX_CHARS].strip()


def exif_of(credit: Credit) -> bytes:
    """Return an EXIF block with only Artist and Copyright, in UTF-8, or b"" for an empty credit."""
    exif = Image.Exif()
    for tag, text in ((_ARTIST, credit.creator), (_COPYRIGHT, credit.copyright)):
        if text:
            exif[tag] = text.encode()
    return exif.tobytes() if len(exif) else b""


def xmp_of(credit: Credit) -> bytes:
    """Return an XMP packet with only creator, rights and licence, or b"" for an empty credit."""
    if not credit:
        return b""
    listed = [
        (credit.creator, "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>"),
        (credit.copyright, '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:rights>'),
        (credit.license, "<xmpRights:WebStatement>{}</xmpRights:WebStatement>"),
    ]
    properties = "".join(form.format(escape(text)) for text, form in listed if text)
    return _XMP.format(rdf=_RDF, dc=_DC, rights=_RIGHTS, properties=properties).encode()


def _from_exif(picture: Image.Image) -> dict[str, str]:
    try:
        exif = picture.getexif()
    except _DAMAGE:
        return {}
    author = exif.get(_XP_AUTHOR)
    windows = author.decode("utf-16-le", "ignore") if isinstance(author, bytes) else ""
    return {"creator": _decoded(exif.get(_ARTIST)) or windows, "copyright": _decoded(exif.get(_COPYRIGHT))}


def _from_iptc(picture: Image.Image) -> dict[str, str]:
    try:
        iptc: dict[Any, Any] = IptcImagePlugin.getiptcinfo(picture) or {}  # type: ignore[arg-type]
    except _DAMAGE:
        return {}
    return {"creator": _decoded(iptc.get(_IPTC_BYLINE)), "copyright": _decoded(iptc.get(_IPTC_COPYRIGHT))}


def _from_text(picture: Image.Image) -> dict[str, str]:
    """Return the credit in the text chunks of a PNG."""
    if picture.format != "PNG":
        return {}
    chunks = {str(key).lower(): str(value) for key, value in picture.info.items() if isinstance(value, str)}
    return {
        "creator": chunks.get("author", "") or chunks.get("artist", ""),
        "copyright": chunks.get("copyright", ""),
        "license": chunks.get("license", "") or chunks.get("licence", ""),
    }


def _decoded(value: Any) -> str:
    """Return the text of a metadata field, decoded as UTF-8 or else Latin-1; join several values by semicolons."""
    if isinstance(value, (list, tuple)):
        return "; ".join(text for one in value[:_MAX_VALUES] if (text := _decoded(one)))
    if isinstance(value, str):  # Pillow reads text fields of EXIF as Latin-1
        value = value.encode("latin-1", "ignore") if all(ord(c) < 256 for c in value) else value.encode()
    if not isinstance(value, bytes):
        return ""
    value = value[: 8 * MAX_CHARS].replace(b"\0", b" ").strip()
    try:
        return str(value.decode("utf-8"))
    except UnicodeDecodeError:
        return str(value.decode("latin-1"))


def _from_xmp(picture: Image.Image) -> dict[str, str]:
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    data = packet.encode() if isinstance(packet, str) else packet
    if not isinstance(data, bytes) or not data or len(data) > MAX_XMP_BYTES:
        return {}
    try:
        parser = ElementTree.XMLParser(target=_XmpBuilder())
        root = ElementTree.fromstring(data.strip(b"\0 \r\n\t"), parser)
    except (ElementTree.ParseError, _DoctypeError, ValueError):
        return {}
    values: dict[str, list[str]] = {}
    for element in root.iter():
        # Properties may be elements, whose values may be in a list, or attributes.
        texts = [(name, text) for name, text in element.attrib.items() if name in _PROPERTIES]
        if element.tag in _PROPERTIES:
            listed = [item.text for item in element.iter(f"{{{_RDF}}}li")]
            own = (element.get(f"{{{_RDF}}}resource"), *listed, element.text)
            texts += [(element.tag, text) for text in own if text]
        for name, text in texts:
            if text.strip() and len(values.setdefault(name, [])) < _MAX_VALUES:
                values[name].append(text.strip())
    parts: dict[str, str] = {}
    for name, part in _PROPERTIES.items():
        if name in values:  # all creators, and the first value of everything else
            parts.setdefault(part, "; ".join(values[name]) if part == "creator" else values[name][0])
    return parts


class _DoctypeError(Exception):
    """XMP declares a document type, which could declare entities."""


class _XmpBuilder(ElementTree.TreeBuilder):
    def doctype(self, *_: Any) -> None:
        raise _DoctypeError
