"""Convert pictures to 8-bit sRGB: embedded ICC profiles, CMYK, Lab, 16 bits per channel, transparency on white.

Reads and writes no files. Profiles are untrusted: their size is bounded, and an unusable one is ignored with a note.
"""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 << 20
_PROFILE_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK", "Lab ": "LAB"}
# Out of 255: conversions that change no colour by more than this add only rounding, so the pixels are left unchanged.
_SAME_COLOR = 2
_CUBE_STEPS = range(0, 256, 51)

ToRgb = Callable[[Image.Image], Image.Image]


def rgb_converter(picture: Image.Image) -> tuple[ToRgb, str]:
    """Return a function that converts the picture, or a part of it, to 8-bit sRGB, and a note about the profile or "".

    Args:
        picture: a decoded picture; its mode, profile and range of values determine how each part is converted.
    """
    levels = _levels(picture)
    transform, note = _transform(picture)

    def convert(part: Image.Image) -> Image.Image:
        part = levels(part)
        rgb = _applied(_without_alpha(part), transform)
        if not _is_transparent(part):
            return rgb
        white = Image.new("RGB", rgb.size, "white")
        white.paste(rgb, mask=part.convert("RGBA").getchannel("A"))
        return white

    return convert if transform is not None else (lambda part: plain_rgb(levels(part))), note


def is_other_than_srgb(picture: Image.Image) -> bool:
    """Return whether the picture's profile gives its values other colours than sRGB would."""
    return _transform(picture)[0] is not None


def plain_rgb(picture: Image.Image) -> Image.Image:
    """Return a picture as 8-bit RGB with transparent parts on white, ignoring profiles."""
    if picture.mode == "LAB":
        return _applied(picture, ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB"))
    if _is_transparent(picture):
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return picture.convert("RGB")


def _levels(picture: Image.Image) -> ToRgb:
    """Return a function that reduces more than 8 bits per channel to 8."""
    if picture.mode.startswith("I;16"):
        return lambda part: part.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("I", "F"):
        low, high = (float(value) for value in picture.getextrema())  # type: ignore[arg-type]
        scale = 255 / (high - low) if high > low else 0.0
        return lambda part: part.convert("F").point(lambda value: value * scale + -low * scale).convert("L")
    return lambda part: part


def _transform(picture: Image.Image) -> tuple[Any, str]:
    """Return the transform from the picture's profile to sRGB, or None if not needed, and a note or ""."""
    profile = picture.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return None, ""
    if len(profile) > MAX_PROFILE_BYTES:
        return None, f"colour profile ignored: more than {MAX_PROFILE_BYTES} bytes"
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _PROFILE_MODES.get(opened.profile.xcolor_space, "")
        if mode != _color_mode(picture):
            return None, f"colour profile ignored: it is for {opened.profile.xcolor_space.strip()}, not for the picture"
        transform = ImageCms.buildTransform(opened, _SRGB, mode, "RGB")
        return (None if _changes_nothing(transform, mode) else transform), ""
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, "colour profile ignored: it is damaged"


def _color_mode(picture: Image.Image) -> str:
    """Return the mode that a profile for the picture must have."""
    if picture.mode in ("L", "LA", "La", "1", "I", "F") or picture.mode.startswith("I;16"):
        return "L"
    return picture.mode if picture.mode in ("CMYK", "LAB") else "RGB"


_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(transform: Any, mode: str) -> bool:
    """Return whether a transform leaves a grid of colours unchanged, as a profile for sRGB does."""
    if mode == "L":
        grid = Image.frombytes("L", (256, 1), bytes(range(256)))
    elif mode == "RGB":
        values = bytes(v for r in _CUBE_STEPS for g in _CUBE_STEPS for b in _CUBE_STEPS for v in (r, g, b))
        grid = Image.frombytes("RGB", (len(values) // 3, 1), values)
    else:
        return False
    before, after = grid.convert("RGB").tobytes(), _applied(grid, transform).tobytes()
    return all(abs(a - b) <= _SAME_COLOR for a, b in zip(before, after, strict=True))


def _applied(picture: Image.Image, transform: Any) -> Image.Image:
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise OSError("the colour profile cannot be applied")
    return converted


def _is_transparent(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info


def _without_alpha(picture: Image.Image) -> Image.Image:
    """Return the picture without transparency, in the mode that its profile is for."""
    mode = _color_mode(picture)
    if picture.mode == mode:
        return picture
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert(f"{picture.mode[:-1]}A")
    return picture.convert(mode)
