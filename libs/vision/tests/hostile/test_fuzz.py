"""Valid files, changed at random: they are decoded or refused with a PhotoError."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from igemoji_vision.decode import Pixels, decode
from igemoji_vision.encode import encode
from igemoji_vision.errors import PhotoError
from igemoji_vision.headers import MAX_PIXELS, inspect

Save = Callable[..., bytes]
Change = Callable[[bytes], bytes]

# Places that headers are made of are hit as often as the pixels behind them.
places = st.one_of(st.floats(0, 1), st.floats(0, 0.08))
numbers = st.sampled_from(
    [b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\xff\xd8"]
)


def at(data: bytes, place: float) -> int:
    return int(place * len(data))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    place, other, value = draw(places), draw(places), draw(st.one_of(numbers, st.binary(min_size=1, max_size=6)))
    length = draw(st.integers(1, 400))
    kinds: list[Change] = [
        lambda data: data[: at(data, place)] + value + data[at(data, place) + len(value) :],
        lambda data: data[: at(data, place)] + value + data[at(data, place) :],
        lambda data: data[: at(data, place)] + data[at(data, place) + length :],
        lambda data: (
            data[: at(data, place)]
            + data[at(data, other) : at(data, other) + length]
            + data[at(data, place) + length :]
        ),
        lambda data: data[: at(data, place)] + data[at(data, other) :],
    ]
    return draw(st.sampled_from(kinds))


@pytest.fixture(scope="module")
def valid(save: Save, face: Pixels) -> dict[str, bytes]:
    small = np.ascontiguousarray(face[::3, ::3])
    return {
        "JPEG": save("JPEG", small, exif=Image.Exif().tobytes()),
        "progressive JPEG": save("JPEG", small, progressive=True, restart_marker_blocks=8),
        "CMYK JPEG": save("JPEG", Image.fromarray(small).convert("CMYK")),
        "PNG": save("PNG", small),
        "palette": save("PNG", Image.fromarray(small).quantize(9), transparency=0),
        "WebP": save("WEBP", small),
        "lossless WebP": save("WEBP", Image.fromarray(small).convert("RGBA"), lossless=True),
        "animated WebP": save("WEBP", small, save_all=True, append_images=[Image.fromarray(255 - small)]),
        "HEIC": save("HEIF", small, quality=50),
    }


KINDS = ("JPEG", "progressive JPEG", "CMYK JPEG", "PNG", "palette", "WebP", "lossless WebP", "animated WebP", "HEIC")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_changed_at_random_is_a_photo_or_is_refused(valid: dict[str, bytes], kind: str) -> None:
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(made=st.lists(changes(), min_size=1, max_size=4))
    def fuzz(made: list[Change]) -> None:
        data = valid[kind]
        for change in made:
            data = change(data)
        try:
            info = inspect(data)
            # Tens of megapixels of nothing take time and show nothing new; the suite has them elsewhere.
            if info.width * info.height > MAX_PIXELS / 20:
                return
            photo = decode(data)
        except PhotoError as refusal:
            event(refusal.reason)
            return
        event("DONE")
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.ndim == 3
        assert photo.pixels.shape[2] in (3, 4)
        assert photo.pixels.flags.writeable
        assert encode(photo)[0]

    fuzz()
