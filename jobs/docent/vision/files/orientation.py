"""Read the EXIF or TIFF orientation of a picture, and map it to the transform that makes it upright.

Works on open Pillow pictures; reads and writes no files.
"""

import struct

from PIL import Image

ORIENTATION_TAG = 0x0112
# EXIF orientation (EXIF 2.3, tag 274) to the transform that makes the picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDES_SWAP = (5, 6, 7, 8)


def read_orientation(picture: Image.Image) -> int:
    """Return the orientation of a decoded picture, 1 to 8, or 1 if there is none or it cannot be read.

    Call it after decoding: some formats store the tag after the pixels, and Pillow rotates TIFF files itself and then
    removes the tag.
    """
    try:
        orientation = picture.getexif().get(ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) else 1
