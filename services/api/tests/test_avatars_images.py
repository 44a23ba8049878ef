"""What becomes of files that phones, scanners and accidents make: a picture, or the reason why not."""

import contextlib
import io
import random
import time

import pytest
from PIL import Image, ImageCms
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


def looks_like(data: bytes) -> tuple[int, ...]:
    """The middle of what becomes of a file, of which nothing else is kept."""
    made = squares(data)
    assert set(made) == {64, 256, 512}
    for file in made.values():
        image = Image.open(io.BytesIO(file))
        image.load()
        assert not image.getexif()
        assert not {"icc_profile", "exif", "xmp"} & set(image.info)
        assert SECRET not in file
    return center(made)


SECRET = b"<script>not a picture</script>"
SAMSUNG_TRAILER = b"\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_Data" + SECRET + b"SEFHk\x00\x00\x00SEFT"
MOTION_PHOTO = b"\x00\x00\x00\x18ftypmp42" + random.Random(2).randbytes(2_000_000)
ZIP = b"PK\x03\x04" + bytes(26) + SECRET + b"PK\x05\x06" + bytes(18)


def test_a_photo_of_a_phone_that_has_a_second_image_is_a_picture() -> None:
    assert Image.open(io.BytesIO(phone_photo())).format == "MPO"

    assert (
        looks_like(phone_photo()) == looks_like(saved("JPEG") + bytes(7) + saved("JPEG")) == looks_like(saved("JPEG"))
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize(
    "more",
    [b"\n", bytes(100), SAMSUNG_TRAILER, MOTION_PHOTO, ZIP, SECRET, saved("JPEG")[:-20], saved("PNG")],
    ids=["newline", "zeros", "Samsung trailer", "motion photo", "zip", "script", "half a JPEG", "PNG"],
)
def test_what_follows_a_picture_does_not_matter(kind: str, more: bytes) -> None:
    assert looks_like(saved(kind) + more) == looks_like(saved(kind))


def noise(kind: str, **options: object) -> bytes:
    """A picture whose every part matters."""
    out = io.BytesIO()
    Image.effect_noise((800, 800), 80).convert("RGB").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_an_end_marker_may_be_missing_but_no_part_of_the_picture(progressive: bool) -> None:
    photo = noise("JPEG", progressive=progressive)

    assert squares(photo[:-2]) == squares(photo[:-1]) == squares(photo)
    assert looks_like(noise("GIF")[:-1])
    assert looks_like(noise("PNG")[:-12])
    for part in (0.3, 0.5, 0.8, 0.95):
        with pytest.raises(UnusableImage, match="incomplete"):
            squares(photo[: int(len(photo) * part)])


def test_a_photo_of_thousands_of_scans_is_refused_at_once() -> None:
    photo = saved("JPEG", progressive=True)
    last_scan = photo[photo.rindex(b"\xff\xc4") : -2]
    started = time.monotonic()
    with pytest.raises(UnusableImage, match="scans"):
        squares(photo[:-2] + last_scan * 5_000 + photo[-2:])

    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_thousands_of_frames_only_the_first_is_decoded(kind: str) -> None:
    out = io.BytesIO()
    frames = [Image.new("L", (16, 16), 10 + n % 200) for n in range(1, 2_000)]
    Image.new("L", (16, 16), 10).save(out, kind, save_all=True, append_images=frames)
    started = time.monotonic()

    assert looks_like(out.getvalue()) == pytest.approx((10,) * 3, abs=3)
    assert time.monotonic() - started < 1


def test_colors_are_what_the_profile_means_and_a_broken_profile_means_nothing() -> None:
    def with_profile(profile: bytes, mode: str, color: tuple[int, ...]) -> bytes:
        out = io.BytesIO()
        Image.new(mode, (48, 36), color).save(out, "JPEG", quality=100, icc_profile=profile)
        return out.getvalue()

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert looks_like(with_profile(srgb, "RGB", (200, 50, 50))) == pytest.approx((200, 50, 50), abs=4)
    assert looks_like(with_profile(swapped(srgb), "RGB", (200, 50, 20))) == pytest.approx((20, 50, 200), abs=9)
    for broken in (b"no profile", srgb[:200]):
        assert looks_like(with_profile(broken, "RGB", (200, 50, 50))) == pytest.approx((200, 50, 50), abs=4)
    assert looks_like(with_profile(srgb, "CMYK", (0, 255, 255, 0)))[0] > 200


def swapped(profile: bytes) -> bytes:
    """The profile with red and blue changed over: the names of their colorants in its table of tags."""
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


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
