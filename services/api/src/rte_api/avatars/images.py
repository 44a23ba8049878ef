"""What becomes of an uploaded picture: nothing of the file is kept, only its pixels.

So it does not matter what else is in the file, like the trailers of phones, or an archive: whatever decodes whole is a
picture.
"""

import io
import re
import warnings

import structlog
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from rte_common.problems import Problem

log = structlog.get_logger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 40_000_000
TOO_MANY_PIXELS = "The picture has more than 40 million pixels: make it smaller"
START_OF_SCAN = re.compile(rb"\xff\xda\x00[\x08\x0a\x0c\x0e][\x01-\x04]")
MAX_SCANS = 50
"""Scans of a JPEG: each takes 30 ms at 36 million pixels, and 82 bytes. Progressive ones have about ten."""
ENDINGS = (bytes(4096) + b"\xff\xd9", b"\xaa" * 4096 + b"\xff\xd9")
"""Ends for a JPEG that has no end marker; a whole picture is the same with each."""
GREY_16_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""Modes of 16 bits of grey in Pillow, by version and machine."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
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
        # Pillow warns of what MAX_PIXELS refuses anyway, and of odd metadata that is not kept.
        with warnings.catch_warnings(action="ignore"):
            return _squares_of(data)
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


def _squares_of(data: bytes) -> Squares:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check(image, data)
        try:
            return _drawn(image)
        except OSError as error:
            # An MPO is a JPEG whose header announces more images after it; the first is the photo.
            if image.format not in ("JPEG", "MPO"):
                raise
            truncated = error
    # Without its end marker a picture is still whole if nothing that is shown depends on what would come before it.
    completed = (io.BytesIO(data.rstrip(b"\xff") + ending) for ending in ENDINGS)
    one, other = (_drawn(Image.open(file, formats=FORMATS)) for file in completed)
    if one != other:
        raise truncated
    return one


def _check(image: Image.Image, data: bytes) -> None:
    """What can be told before anything is decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise UnusableImage(TOO_MANY_PIXELS)
    if image.format in ("JPEG", "MPO") and sum(1 for _ in START_OF_SCAN.finditer(data)) > MAX_SCANS:
        raise UnusableImage(f"The picture has more than {MAX_SCANS} scans: save it anew")


def _drawn(image: Image.Image) -> Squares:
    image.draft("RGB", (SIZES[0] * 2, SIZES[0] * 2))  # JPEG is decoded no larger than needed
    image.load()
    # Cut first and turned later: every full copy of 40 million pixels takes 160 MB.
    cut = ImageOps.fit(_with_blendable_colors(image), (SIZES[0], SIZES[0]), Image.Resampling.LANCZOS)
    largest = ImageOps.exif_transpose(_in_srgb(_with_eight_bits(cut)))
    return {size: _webp(largest if size == SIZES[0] else largest.resize((size, size))) for size in SIZES}


def _with_blendable_colors(image: Image.Image) -> Image.Image:
    """The numbers of a palette are no colors, and a transparent color is none after it was blended."""
    if image.mode in GREY_16_BIT:
        image.info.pop("transparency", None)  # one level of 65,536: it is shown as the grey it is
        return image
    mode = "CMYK" if image.mode == "CMYK" else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _with_eight_bits(image: Image.Image) -> Image.Image:
    """Pillow's own conversion from 16 bits of grey turns everything above 255 white."""
    if image.mode not in GREY_16_BIT:
        return image
    return image.convert("I").point([level >> 8 for level in range(1 << 16)], "L").convert("RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The colors that the file's profile means, as every browser shows them; a broken profile means nothing."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile := image.info.pop("icc_profile", None):
        try:
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError) as error:
            log.info("color_profile_ignored", error=repr(error))
        else:
            if converted is not None:
                converted.info.pop("icc_profile", None)
                return converted
    return image if image.mode == mode else image.convert(mode)


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
