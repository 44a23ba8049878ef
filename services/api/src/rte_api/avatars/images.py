"""What becomes of an uploaded picture: nothing of the file is kept, only its pixels."""

import io
import warnings

import structlog
from PIL import Image, ImageOps, UnidentifiedImageError

from rte_api.avatars.containers import BrokenContainer, image_end
from rte_common.problems import Problem

log = structlog.get_logger(__name__)

KINDS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
TOO_MANY_PIXELS = "The picture has more than 40 million pixels: make it smaller"
GREY_16_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""What Pillow calls it, by version and machine."""
SIZES = (512, 256, 64)
"""Edges of the squares that are made."""
QUALITY = 85


class UnusableImage(Problem):
    """The picture cannot be used"""

    type = "unusable-image"


Squares = dict[int, bytes]
"""WebP files by their edge."""


def squares(data: bytes) -> Squares:
    """Upright squares in each of SIZES, without metadata. Raises UnusableImage; takes seconds of CPU at worst."""
    try:
        # Pillow warns of what MOST_PIXELS refuses anyway, and of odd metadata that is not kept.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=KINDS) as image:
            _check(image, data)
            return _made(image)
    except Image.DecompressionBombError as error:
        raise UnusableImage(TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise UnusableImage("Send a JPEG, PNG, WebP or GIF") from error
    except (UnusableImage, MemoryError):
        raise
    except Exception as error:
        # Damage is not always an OSError to Pillow: metadata raised TypeError, KeyError and ZeroDivisionError, too.
        log.info("image_damaged", error=repr(error))
        raise UnusableImage("The file is damaged or incomplete") from error


def _made(image: Image.Image) -> Squares:
    image.draft("RGB", (SIZES[0] * 2, SIZES[0] * 2))  # JPEG is decoded no larger than needed
    image.load()
    # Cut first and turned later: every full copy of 40 million pixels takes 160 MB.
    cut = ImageOps.fit(_with_blendable_colors(image), (SIZES[0], SIZES[0]), Image.Resampling.LANCZOS)
    largest = ImageOps.exif_transpose(_with_eight_bits(cut))
    return {size: _webp(largest if size == SIZES[0] else largest.resize((size, size))) for size in SIZES}


def _with_blendable_colors(image: Image.Image) -> Image.Image:
    """The numbers of a palette are no colors, and a transparent color is none after it was blended."""
    if image.mode in GREY_16_BIT:
        image.info.pop("transparency", None)  # one level of 65,536: it is shown as the grey it is
        return image
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _with_eight_bits(image: Image.Image) -> Image.Image:
    """Pillow's own conversion from 16 bits of grey turns everything above 255 white."""
    if image.mode not in GREY_16_BIT:
        return image
    return image.convert("I").point([level >> 8 for level in range(1 << 16)], "L").convert("RGB")


def _check(image: Image.Image, data: bytes) -> None:
    """What the header tells, before anything is decoded."""
    if image.width * image.height > MOST_PIXELS:
        raise UnusableImage(TOO_MANY_PIXELS)
    # An MPO is a JPEG whose header announces more images after it; the first is the photo.
    end = image_end("JPEG" if image.format == "MPO" else image.format or "", data)
    if end > len(data):
        raise BrokenContainer("the file ends within the image")
    if data[end:].strip(b"\0"):
        raise UnusableImage("Something follows the picture in the file: save it anew")


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
