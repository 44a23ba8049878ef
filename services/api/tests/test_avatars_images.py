"""What becomes of files that phones, scanners and accidents make: a picture, or the reason why not."""

import contextlib
import io
import random

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from rte_api.avatars import images
from rte_api.avatars.images import UnusableImage, squares

X_RESOLUTION, ORIENTATION = 0x011A, 0x0112


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """A small picture; its color depends on the mode."""
    out = io.BytesIO()
    Image.new(mode, (48, 36), 128).save(out, kind, **options)
    return out.getvalue()


def phone_photo() -> bytes:
    """A photo and its depth map in one file: a JPEG with an MPF block."""
    return saved("MPO", save_all=True, append_images=[Image.new("L", (24, 18))])


def metadata() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[X_RESOLUTION] = IFDRational(72, 1)
    return exif


def center(made: images.Squares) -> tuple[int, ...]:
    pixel = Image.open(io.BytesIO(made[64])).getpixel((32, 32))
    assert isinstance(pixel, tuple)
    return pixel


def test_a_photo_of_a_phone_that_has_a_second_image_is_a_picture() -> None:
    assert Image.open(io.BytesIO(phone_photo())).format == "MPO"

    assert set(squares(phone_photo())) == {64, 256, 512}
    assert set(squares(saved("JPEG") + bytes(7) + saved("JPEG"))) == {64, 256, 512}


@pytest.mark.parametrize("more", [b"PK\x03\x04", saved("JPEG")[:-20], saved("PNG")])
def test_what_follows_a_photo_must_be_photos_to_the_end(more: bytes) -> None:
    with pytest.raises(UnusableImage):
        squares(phone_photo() + more)


def test_damaged_metadata_is_damage() -> None:
    # The resolution says that it is text; Pillow then asks for its absolute value: a TypeError.
    broken = saved("WEBP", exif=metadata()).replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x02")

    with pytest.raises(UnusableImage, match="damaged"):
        squares(broken)


@pytest.mark.parametrize(("level", "shown"), [(0, 0), (0x4000, 0x40), (0x8000, 0x80), (0xFFFF, 0xFF)])
def test_sixteen_bits_of_grey_keep_their_level(level: int, shown: int) -> None:
    out = io.BytesIO()
    Image.new("I;16", (48, 36), level).save(out, "PNG")

    assert center(squares(out.getvalue())) == pytest.approx((shown,) * 3, abs=1)


def test_a_mutated_file_is_a_picture_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "SIZES", (16, 8))  # drawing takes most of the time
    chance = random.Random(1)
    files = [
        phone_photo(),
        *(saved(kind, exif=metadata()) for kind in ("JPEG", "PNG", "WEBP")),
        saved("PNG", "I;16", transparency=7),
        saved("PNG", "P", transparency=0),
        saved("GIF", "P", save_all=True, append_images=[Image.new("P", (48, 36), 3)]),
    ]
    made = 0
    for file in files * 100:
        mutated = bytearray(file)
        for _ in range(chance.randint(1, 4)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        if chance.random() < 0.2:
            del mutated[chance.randrange(len(mutated)) :]
        with contextlib.suppress(UnusableImage):
            made += len(squares(bytes(mutated))) == 2

    assert 0 < made < 700
