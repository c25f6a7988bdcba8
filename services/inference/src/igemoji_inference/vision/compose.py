"""Covers faces: the face itself becomes a coarse mosaic, and the emoji is laid over it."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from igemoji_inference.vision.decode import Photo, Pixels
from igemoji_inference.vision.errors import PictureUnusable
from igemoji_inference.vision.faces import Box, Face

EMOJI_SIDE = 1.25
"""Side of the emoji's square in terms of the longer side of the face's box."""
MOSAIC_REACH = 1.2
"""Axes of the mosaic's ellipse in terms of the box."""
MOSAIC_CELLS = 6
"""Cells along the longer side of the face: too few to know anybody by."""
FEATHER = 0.06
"""Width of the mosaic's soft rim, in terms of its axes, outside of the ellipse."""
SMALLEST_LEVEL = 16
LARGEST_PICTURE = 4_000_000
"""Pixels of an emoji picture, as the catalogue allows."""
CACHED_PICTURES = 24


@dataclass(frozen=True)
class Emoji:
    """A square picture, premultiplied RGBA uint8, at full size and halved again and again."""

    levels: tuple[Pixels, ...]

    def level(self, side: float) -> Pixels:
        """The smallest level that need not be enlarged to `side` pixels, or the largest one."""
        return next((level for level in reversed(self.levels) if level.shape[0] >= side), self.levels[0])


class Emojis:
    """Decodes the pictures of templates and keeps the ones used last. Not thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Emoji] = OrderedDict()

    def get(self, picture: bytes) -> Emoji:
        key = hashlib.sha256(picture).digest()
        if key not in self._kept:
            self._kept[key] = load(picture)
            if len(self._kept) > CACHED_PICTURES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def load(picture: bytes) -> Emoji:
    """Decodes a PNG, WebP or JPEG picture, makes it square and builds its levels."""
    try:
        with Image.open(BytesIO(picture), formats=["PNG", "WEBP", "JPEG"]) as image:
            if image.width * image.height > LARGEST_PICTURE:
                raise PictureUnusable
            straight = np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise PictureUnusable from error
    alpha = straight[:, :, 3:].astype(np.uint16)
    level = straight.copy()
    level[:, :, :3] = (straight[:, :, :3] * alpha + 127) // 255
    height, width = level.shape[:2]
    rows, columns = max(width - height, 0), max(height - width, 0)
    if rows or columns:
        level = np.pad(level, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)))
    levels = [level]
    while levels[-1].shape[0] >= 2 * SMALLEST_LEVEL:
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    return Emoji(tuple(levels))


def compose(
    photo: Photo,
    faces: Sequence[Face],
    pictures: Mapping[str, bytes],
    covered: Sequence[bool] | None = None,
    emojis: Emojis | None = None,
) -> Photo:
    """The photo with every covered face (all, unless `covered` says otherwise) under the emoji of its expression.

    `pictures` holds a PNG for every expression that is needed. Larger faces are nearer, so their emoji lies on top.
    The photo that is given stays as it is. Raises PictureUnusable.
    """
    emojis = emojis or Emojis()
    hidden = [face for face, cover in zip(faces, covered or [True] * len(faces), strict=True) if cover]
    hidden.sort(key=lambda face: face.box.side)
    pixels = photo.pixels.copy()
    # First every mosaic, so that none of them smears over the emoji of a neighbour.
    for face in hidden:
        pixelate(pixels, face.box)
    for face in hidden:
        place(pixels, emojis.get(pictures[face.expression]), face.box, face.roll)
    return replace(photo, pixels=pixels)


def pixelate(pixels: Pixels, box: Box) -> None:
    """Turns the ellipse around a box into a mosaic, in place, `(H, W, 3 or 4)` uint8."""
    x, y = box.center
    half_width = max(box.width * MOSAIC_REACH / 2, 1.0)
    half_height = max(box.height * MOSAIC_REACH / 2, 1.0)
    rim = 1 + FEATHER
    area = _clipped(pixels, x - half_width * rim, y - half_height * rim, x + half_width * rim, y + half_height * rim)
    if area is None:
        return
    left, top, right, bottom = area
    patch = pixels[top:bottom, left:right]
    cell = max(box.side / MOSAIC_CELLS, 1.0)
    size = (max(round((right - left) / cell), 1), max(round((bottom - top) / cell), 1))
    coarse = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    mosaic = np.asarray(cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST), np.uint8)
    across = (np.arange(left, right, dtype=np.float32) + 0.5 - x) / half_width
    down = (np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / half_height
    distance = np.sqrt(across[None, :] ** 2 + down[:, None] ** 2)
    mask = (np.clip((rim - distance) / FEATHER, 0, 1) * 255).astype(np.uint8)
    pixels[top:bottom, left:right] = _mix(patch, mosaic, mask)


def place(pixels: Pixels, emoji: Emoji, box: Box, roll: float) -> None:
    """Lays an emoji over a box, in place; `roll` in degrees, clockwise. What lies outside of the photo is cut off."""
    side = max(EMOJI_SIDE * box.side, 1.0)
    level = emoji.level(side)
    angle = math.radians(roll)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = box.center
    reach = side / 2 * (abs(cos) + abs(sin)) + 1
    area = _clipped(pixels, x - reach, y - reach, x + reach, y + reach)
    if area is None:
        return
    left, top, right, bottom = area
    scale = side / level.shape[0]
    turn = np.array([[cos, -sin], [sin, cos]]) * scale
    # From the emoji's pixel centres to the patch's: its middle goes to the middle of the face.
    middle = np.full(2, 0.5 - level.shape[0] / 2)
    shift = turn @ middle + [x - left - 0.5, y - top - 0.5]
    matrix = np.column_stack([turn, shift])
    flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    art = cv2.warpAffine(level, matrix, (right - left, bottom - top), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    _blend(pixels[top:bottom, left:right], np.asarray(art, np.uint8))


def _clipped(pixels: Pixels, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int] | None:
    """The whole pixels of a rectangle that lie inside of the picture, or None when there are none."""
    height, width = pixels.shape[:2]
    columns = max(math.floor(left), 0), min(math.ceil(right), width)
    rows = max(math.floor(top), 0), min(math.ceil(bottom), height)
    if columns[0] >= columns[1] or rows[0] >= rows[1]:
        return None
    return columns[0], rows[0], columns[1], rows[1]


def _mix(under: Pixels, over: Pixels, mask: Pixels) -> Pixels:
    """`over` where `mask` `(H, W)` is 255, `under` where it is 0, a straight mix between."""
    share = mask[:, :, None].astype(np.uint16)
    return np.asarray((over * share + under * (255 - share) + 127) // 255, np.uint8)


def _blend(under: Pixels, art: Pixels) -> None:
    """Porter and Duff's `over`: premultiplied RGBA `art` onto straight RGB or RGBA `under`, in place, uint8."""
    alpha = art[:, :, 3]
    rest = cv2.merge([cv2.bitwise_not(alpha)] * 3)
    color = cv2.min(art[:, :, :3], cv2.merge([alpha] * 3))
    if under.shape[2] == 3:
        under[:] = cv2.add(cv2.multiply(under, rest, scale=1 / 255), color)
        return
    own = under[:, :, 3].astype(np.float32)
    over = alpha.astype(np.float32)
    kept = own * (255 - over) / 255
    total = over + kept
    mixed = (color * np.float32(1) + under[:, :, :3] * (kept / 255)[:, :, None]) * (
        255 / np.maximum(total, 1)[:, :, None]
    )
    touched = alpha > 0
    under[touched, :3] = np.clip(mixed[touched] + 0.5, 0, 255).astype(np.uint8)
    under[touched, 3] = np.clip(total[touched] + 0.5, 0, 255).astype(np.uint8)
