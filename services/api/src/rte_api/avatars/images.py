"""What becomes of an uploaded picture: nothing of the file is kept, only its pixels."""

import io
import warnings
from hashlib import blake2b

from PIL import Image, ImageOps, UnidentifiedImageError

from rte_api.avatars.containers import BrokenContainer, image_end
from rte_common.problems import Problem

KINDS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
TOO_MANY_PIXELS = "The picture has more than 40 million pixels: make it smaller"
SIZES = (512, 256, 64)
"""Edges of the squares that are made."""
QUALITY = 85


class UnusableImage(Problem):
    """The picture cannot be used"""

    type = "unusable-image"
    status = 422


Squares = dict[int, bytes]
"""WebP files by their edge."""


def squares(data: bytes) -> Squares:
    """Upright squares in each of SIZES, without metadata. Raises UnusableImage; takes seconds of CPU at worst."""
    try:
        # Pillow warns of what MOST_PIXELS refuses anyway, and of odd metadata that is not kept.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=KINDS) as image:
            _check(image, data)
            image.draft("RGB", (SIZES[0] * 2, SIZES[0] * 2))  # JPEG is decoded no larger than needed
            image.load()
            upright = ImageOps.exif_transpose(image).convert("RGBA" if image.has_transparency_data else "RGB")
    except Image.DecompressionBombError as error:
        raise UnusableImage(TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise UnusableImage("Send a JPEG, PNG, WebP or GIF") from error
    except (BrokenContainer, OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnusableImage("The file is damaged or incomplete") from error
    largest = ImageOps.fit(upright, (SIZES[0], SIZES[0]), Image.Resampling.LANCZOS)
    return {size: _webp(largest if size == SIZES[0] else largest.resize((size, size))) for size in SIZES}


def _check(image: Image.Image, data: bytes) -> None:
    """What the header tells, before anything is decoded."""
    if image.width * image.height > MOST_PIXELS:
        raise UnusableImage(TOO_MANY_PIXELS)
    end = image_end(image.format or "", data)
    if end > len(data):
        raise BrokenContainer("the file ends within the image")
    if data[end:].strip(b"\0"):
        raise UnusableImage("Something follows the picture in the file: save it anew")


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()


def version(made: Squares) -> str:
    """A name that changes with the picture."""
    return blake2b(made[SIZES[0]], digest_size=12).hexdigest()
