"""Covers faces: the face itself becomes a coarse mosaic, and the emoji is laid over it."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from igemoji_inference.vision.decode import Photo, Pixels
from igemoji_inference.vision.errors import PictureUnusable
from igemoji_inference.vision.faces import Box, Face

EMOJI_SIDE = 1.25
"""Side of the emoji's square in terms of the longer side of the face's box."""
MOSAIC_REACH = 1.05
"""Axes of the mosaic's ellipse in terms of the box."""
MOSAIC_CELLS = 6
"""Cells along the longer side of the face: too few to know anybody by."""
CELL_SAMPLES = 16
"""A cell's colour is the mean of at least so many rows and columns in it: to look at all of them only takes time."""
SMALLEST_LEVEL, LARGEST_LEVEL = 16, 1024
STRIP_PIXELS = 1 << 16
"""An emoji is laid down in strips of so many pixels: they stay in the processor's cache, which halves the time."""
LARGEST_PICTURE = 4_000_000
"""Pixels of an emoji picture, as the catalogue allows."""
CACHED_PICTURES = 16
"""Pictures that a process keeps decoded; one takes at most 7 MB."""


class Emoji:
    """A square picture, premultiplied RGBA uint8, in sizes that are halves and doubles of each other."""

    def __init__(self, picture: Pixels) -> None:
        """`picture` is `(S, S, 4)`."""
        self.reach = _reach(picture)
        """How far from its middle the picture shows anything, in terms of its side: 0.5 of a disc, 0.71 of a square."""
        self.side = picture.shape[0]
        self._levels = [picture]
        while self._levels[0].shape[0] >= 2 * SMALLEST_LEVEL:
            half = self._levels[0].shape[0] // 2
            self._levels.insert(0, np.asarray(cv2.resize(self._levels[0], (half, half), interpolation=cv2.INTER_AREA)))

    def level(self, side: float) -> Pixels:
        """The smallest level of at least `side` pixels; made when it is missing, up to LARGEST_LEVEL."""
        while self._levels[-1].shape[0] < min(side, LARGEST_LEVEL / 2 + 1):
            double = 2 * self._levels[-1].shape[0]
            grown = cv2.resize(self._levels[-1], (double, double), interpolation=cv2.INTER_CUBIC)
            # Cubic interpolation overshoots: premultiplied colour is never more than alpha.
            grown[:, :, :3] = cv2.min(
                cv2.cvtColor(grown, cv2.COLOR_RGBA2RGB), _thrice(np.asarray(grown[:, :, 3], np.uint8))
            )
            self._levels.append(np.asarray(grown))
        return next((level for level in self._levels if level.shape[0] >= side), self._levels[-1])


def _reach(picture: Pixels) -> float:
    side = picture.shape[0]
    ys, xs = np.nonzero(picture[:, :, 3])
    if not len(ys):
        return 0.0
    middle = (side - 1) / 2
    # To the far corner of the pixel.
    return (math.sqrt(float(((xs - middle) ** 2 + (ys - middle) ** 2).max())) + math.sqrt(0.5)) / float(side)


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
    level = cv2.merge([cv2.multiply(_thrice(straight[:, :, 3]), straight[:, :, :3], scale=1 / 255), straight[:, :, 3]])
    height, width = level.shape[:2]
    rows, columns = max(width - height, 0), max(height - width, 0)
    return Emoji(
        np.pad(level, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))).astype(np.uint8)
    )


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
    composed = replace(photo, pixels=photo.pixels.copy())
    cover(composed.pixels, faces, pictures, covered, emojis or Emojis())
    return composed


def cover(
    pixels: Pixels,
    faces: Sequence[Face],
    pictures: Mapping[str, bytes],
    covered: Sequence[bool] | None,
    emojis: Emojis,
) -> None:
    """What compose() does, in place, on `(H, W, 3 or 4)` uint8."""
    hidden = [face for face, cover in zip(faces, covered or [True] * len(faces), strict=True) if cover]
    hidden.sort(key=lambda face: face.box.side)
    # First every mosaic, so that none of them smears over the emoji of a neighbour.
    for face in hidden:
        pixelate(pixels, face.box)
    for face in hidden:
        place(pixels, emojis.get(pictures[face.expression]), face.box, face.roll)


def pixelate(pixels: Pixels, box: Box) -> None:
    """Turns the ellipse around a box into a mosaic, in place, `(H, W, 3 or 4)` uint8; cells are whole or not there."""
    x, y = box.center
    cell = max(box.side / MOSAIC_CELLS, 1.0)
    # Half a cell more, so that a cell whose middle lies outside of the ellipse holds nothing of what is inside.
    half_width, half_height = (max(length * MOSAIC_REACH / 2, 1.0) + cell / 2 for length in (box.width, box.height))
    area = _clipped(pixels, x - half_width, y - half_height, x + half_width, y + half_height)
    if area is None:
        return
    left, top, right, bottom = area
    patch = pixels[top:bottom, left:right]
    columns, rows = max(round((right - left) / cell), 1), max(round((bottom - top) / cell), 1)
    step = max(int(cell / CELL_SAMPLES), 1)
    coarse = cv2.resize(np.ascontiguousarray(patch[::step, ::step]), (columns, rows), interpolation=cv2.INTER_AREA)
    across = (left + (np.arange(columns) + 0.5) * (right - left) / columns - x) / half_width
    down = (top + (np.arange(rows) + 0.5) * (bottom - top) / rows - y) / half_height
    inside = across[None, :] ** 2 + down[:, None] ** 2 <= 1
    xs, ys = (
        -(-np.arange(count + 1) * length // count)
        for count, length in zip((columns, rows), (right - left, bottom - top), strict=True)
    )
    # Cell by cell: to enlarge all of them and to mask them takes three times as long.
    for row, column in np.argwhere(inside):
        first, last = (int(xs[column]), int(ys[row])), (int(xs[column + 1]) - 1, int(ys[row + 1]) - 1)
        cv2.rectangle(patch, first, last, coarse[row, column].tolist(), cv2.FILLED)


def place(pixels: Pixels, emoji: Emoji, box: Box, roll: float) -> None:
    """Lays an emoji over a box, in place; `roll` in degrees, clockwise. What lies outside of the photo is cut off."""
    side = max(EMOJI_SIDE * box.side, 1.0)
    level = emoji.level(side)
    angle = math.radians(roll)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = box.center
    scale = side / level.shape[0]
    # What is visible reaches further by the pixels that levels and turns are interpolated from.
    radius = emoji.reach * side + 3 * max(scale, side / emoji.side, 1.0)
    reach = min(side / 2 * (abs(cos) + abs(sin)) + 1, radius)
    area = _clipped(pixels, x - reach, y - reach, x + reach, y + reach)
    if area is None:
        return
    left, top, right, bottom = area
    turn = np.array([[cos, -sin], [sin, cos]]) * scale
    # From the emoji's pixel centres to the photo's: its middle goes to the middle of the face.
    middle = np.full(2, 0.5 - level.shape[0] / 2)
    shift = turn @ middle + [x - 0.5, y - 0.5]
    rows = max(STRIP_PIXELS // (right - left), 1)
    for start in range(top, bottom, rows):
        end = min(start + rows, bottom)
        # Most art is round: of each strip only what lies within its circle.
        off = max(start - y, y - end, 0.0)
        chord = math.sqrt(max(radius**2 - off**2, 0.0))
        first, last = max(left, math.floor(x - chord)), min(right, math.ceil(x + chord))
        if first >= last:
            continue
        matrix = np.column_stack([turn, shift - [first, start]])
        art = cv2.warpAffine(level, matrix, (last - first, end - start), flags=cv2.INTER_LINEAR)
        _blend(pixels[start:end, first:last], np.asarray(art, np.uint8))


def _clipped(pixels: Pixels, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int] | None:
    """The whole pixels of a rectangle that lie inside of the picture, or None when there are none."""
    height, width = pixels.shape[:2]
    columns = max(math.floor(left), 0), min(math.ceil(right), width)
    rows = max(math.floor(top), 0), min(math.ceil(bottom), height)
    if columns[0] >= columns[1] or rows[0] >= rows[1]:
        return None
    return columns[0], rows[0], columns[1], rows[1]


def _thrice(channel: Pixels) -> Pixels:
    """`(H, W)` as three equal channels."""
    return np.asarray(cv2.cvtColor(channel, cv2.COLOR_GRAY2RGB), np.uint8)


def _blend(under: Pixels, art: Pixels) -> None:
    """Porter and Duff's `over`: premultiplied RGBA `art` onto straight RGB or RGBA `under`, in place, uint8."""
    alpha = art[:, :, 3]
    rest = _thrice(np.asarray(cv2.bitwise_not(alpha), np.uint8))
    color = cv2.cvtColor(art, cv2.COLOR_RGBA2RGB)
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
