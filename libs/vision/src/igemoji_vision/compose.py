"""Cover faces: pixelate the face and draw the emoji over it."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from igemoji_vision.decode import Photo, Pixels
from igemoji_vision.errors import PictureUnusable
from igemoji_vision.faces import Box, Face
from igemoji_vision.memory import is_out_of_memory

EMOJI_SIDE = 1.25
"""Side of the emoji's square, relative to the longer side of the face's box."""
MOSAIC_REACH = 1.05
"""Axes of the mosaic's ellipse, relative to the box."""
MOSAIC_CELLS = 6
"""Cells along the longer side of the face: too few to recognize a person."""
CELL_SAMPLES = 16
"""Rows and columns per cell that its color is averaged over, at least: more take longer and change nothing."""
SMALLEST_LEVEL, LARGEST_LEVEL = 16, 1024
ENLARGED = 1.6
"""Largest factor by which a level is enlarged while it is drawn; beyond it a larger level is made."""
STRIP_PIXELS = 1 << 16
"""Pixels of the strips in which an emoji is drawn: they stay in the processor's cache, which halves the time."""
LARGEST_PICTURE = 4_000_000
"""Pixels of a picture; the catalog has the same limit."""
CACHED_PICTURES = 16
"""Decoded pictures in the cache of a process, 7 MB each at most."""


class Emoji:
    """Square picture, premultiplied RGBA uint8, as a pyramid of levels that double in size."""

    def __init__(self, picture: Pixels) -> None:
        """`picture` is `(S, S, 4)`."""
        self.reach, self.solid = _radii(picture)
        """Radius around the middle outside of which the picture is transparent, relative to its side (0.5 for a disc,
        0.71 for a square), and radius inside of which it is opaque."""
        self.side = picture.shape[0]
        self._levels = [picture]
        while self._levels[0].shape[0] >= 2 * SMALLEST_LEVEL:
            half = self._levels[0].shape[0] // 2
            self._levels.insert(0, np.asarray(cv2.resize(self._levels[0], (half, half), interpolation=cv2.INTER_AREA)))

    def level(self, side: float) -> Pixels:
        """Return the smallest level of at least `side` pixels, or the largest; enlarged if it is much too small."""
        while self._levels[-1].shape[0] < min(side / ENLARGED, LARGEST_LEVEL / 2 + 1):
            double = 2 * self._levels[-1].shape[0]
            grown = cv2.resize(self._levels[-1], (double, double), interpolation=cv2.INTER_CUBIC)
            # Cubic interpolation overshoots: premultiplied color never exceeds alpha.
            grown[:, :, :3] = cv2.min(
                cv2.cvtColor(grown, cv2.COLOR_RGBA2RGB), _thrice(np.asarray(grown[:, :, 3], np.uint8))
            )
            self._levels.append(np.asarray(grown))
        return next((level for level in self._levels if level.shape[0] >= side), self._levels[-1])


def _radii(picture: Pixels) -> tuple[float, float]:
    """Compute Emoji.reach and Emoji.solid: to the outer corner of the last pixel, to the inner one of the first."""
    side = picture.shape[0]
    alpha = picture[:, :, 3]
    off = (np.arange(side) - (side - 1) / 2) ** 2
    squares = off[:, None] + off[None, :]
    corner = math.sqrt(0.5)
    reach = math.sqrt(squares[alpha > 0].max()) + corner if alpha.any() else 0.0
    # Outside of the picture everything is transparent.
    solid = math.sqrt(min(squares[alpha < 255].min(initial=math.inf), (side / 2) ** 2)) - corner
    return reach / side, max(solid, 0.0) / side


class Emojis:
    """LRU cache of decoded pictures. Not thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Emoji] = {}
        """By digest, the one that was used last at the end."""

    def get(self, picture: bytes) -> Emoji:
        """Return a picture, decoded. Raises PictureUnusable."""
        key = hashlib.sha256(picture).digest()
        self._kept[key] = self._kept.pop(key) if key in self._kept else load(picture)
        if len(self._kept) > CACHED_PICTURES:
            del self._kept[next(iter(self._kept))]
        return self._kept[key]


def load(picture: bytes) -> Emoji:
    """Decode a PNG, WebP or JPEG picture, make it square and build its levels. Raises PictureUnusable."""
    try:
        with Image.open(BytesIO(picture), formats=["PNG", "WEBP", "JPEG"]) as image:
            if image.width * image.height > LARGEST_PICTURE:
                raise PictureUnusable
            straight = np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        if is_out_of_memory(error):
            raise MemoryError from error
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
    """Return the photo with every covered face under the emoji of its expression; `covered` None: all.

    `pictures` holds a PNG for every expression that is needed. Larger faces are nearer, so their emoji is on top.
    The given photo is not changed. Raises PictureUnusable.
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
    """Cover faces in place in `(H, W, 3 or 4)` uint8, see `compose`."""
    hidden = [face for face, cover in zip(faces, covered or [True] * len(faces), strict=True) if cover]
    hidden.sort(key=lambda face: face.box.side)
    art = {expression: emojis.get(pictures[expression]) for expression in {face.expression for face in hidden}}
    # Every mosaic first, so that none of them is drawn over the emoji of a neighbor.
    for face in hidden:
        pixelate(pixels, face.box, _solid_radius(art[face.expression], face.box))
    for face in hidden:
        place(pixels, art[face.expression], face.box, face.roll)


def pixelate(pixels: Pixels, box: Box, hidden_radius: float = 0.0) -> None:
    """Pixelate the ellipse around a box in place, `(H, W, 3 or 4)` uint8, in whole cells.

    Cells within `hidden_radius` pixels of its middle are left out: the opaque part of the emoji hides them.
    """
    x, y = box.center
    cell = max(box.side / MOSAIC_CELLS, 1.0)
    # Half a cell more: a cell whose middle lies outside of the ellipse has no pixel of the inside.
    half_width, half_height = (max(length * MOSAIC_REACH / 2, 1.0) + cell / 2 for length in (box.width, box.height))
    area = _clipped(pixels, x - half_width, y - half_height, x + half_width, y + half_height)
    if area is None:
        return
    left, top, right, bottom = area
    patch = pixels[top:bottom, left:right]
    columns, rows = max(round((right - left) / cell), 1), max(round((bottom - top) / cell), 1)
    across = (left + (np.arange(columns) + 0.5) * (right - left) / columns - x) / half_width
    down = (top + (np.arange(rows) + 0.5) * (bottom - top) / rows - y) / half_height
    xs, ys = (
        -(-np.arange(count + 1) * length // count)
        for count, length in zip((columns, rows), (right - left, bottom - top), strict=True)
    )
    far_x, far_y = _farthest(xs + left - x), _farthest(ys + top - y)
    wanted = across[None, :] ** 2 + down[:, None] ** 2 <= 1
    wanted &= far_x[None, :] ** 2 + far_y[:, None] ** 2 > hidden_radius**2
    if not wanted.any():
        return
    step = max(int(cell / CELL_SAMPLES), 1)
    coarse = cv2.resize(np.ascontiguousarray(patch[::step, ::step]), (columns, rows), interpolation=cv2.INTER_AREA)
    # Cell by cell: enlarging all and masking them takes three times as long.
    for row, column in np.argwhere(wanted):
        first, last = (int(xs[column]), int(ys[row])), (int(xs[column + 1]) - 1, int(ys[row + 1]) - 1)
        cv2.rectangle(patch, first, last, coarse[row, column].tolist(), cv2.FILLED)


def place(pixels: Pixels, emoji: Emoji, box: Box, roll: float) -> None:
    """Draw an emoji over a box in place, clipped to the photo; `roll` in degrees, clockwise."""
    side = max(EMOJI_SIDE * box.side, 1.0)
    level = emoji.level(side)
    angle = math.radians(roll)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = box.center
    scale = side / level.shape[0]
    radius = emoji.reach * side + _smear(emoji, side)
    solid = _solid_radius(emoji, box)
    reach = min(side / 2 * (abs(cos) + abs(sin)) + 1, radius)
    area = _clipped(pixels, x - reach, y - reach, x + reach, y + reach)
    if area is None:
        return
    left, top, right, bottom = area
    rotation = np.array([[cos, -sin], [sin, cos]]) * scale
    # From the emoji's pixel centers to the photo's: its middle goes to the middle of the face.
    middle = np.full(2, 0.5 - level.shape[0] / 2)
    shift = rotation @ middle + [x - 0.5, y - 0.5]
    rows = max(STRIP_PIXELS // (right - left), 1)
    for start in range(top, bottom, rows):
        end = min(start + rows, bottom)
        # Most pictures are round: draw only the part of each strip within the circle.
        half = _half_chord(radius, max(start - y, y - end, 0.0))
        first, last = max(left, math.floor(x - half)), min(right, math.ceil(x + half))
        if first >= last:
            continue
        matrix = np.column_stack([rotation, shift - [first, start]])
        warped = cv2.warpAffine(level, matrix, (last - first, end - start), flags=cv2.INTER_LINEAR)
        half = _half_chord(solid, max(y - start, end - y))
        opaque = [min(max(edge - first, 0), last - first) for edge in (math.ceil(x - half), math.floor(x + half))]
        _overlay(pixels[start:end, first:last], np.asarray(warped, np.uint8), *opaque)


def _solid_radius(emoji: Emoji, box: Box) -> float:
    """Return the radius, in pixels of the photo, in which the emoji of a box is opaque for every roll."""
    side = max(EMOJI_SIDE * box.side, 1.0)
    return max(emoji.solid * side - _smear(emoji, side), 0.0)


def _smear(emoji: Emoji, side: float) -> float:
    """Return how far scaling and rotation spread a pixel of a picture drawn at `side`, in pixels of the photo.

    An enlarged level interpolates two pixels on either side, the next one half as far.
    """
    return 5 * float(max(side / emoji.level(side).shape[0], side / emoji.side, 1.0))


def _half_chord(radius: float, off: float) -> float:
    """Return half the chord of a circle at a distance of `off` from its middle."""
    return math.sqrt(max((radius - off) * (radius + off), 0.0))


def _farthest(edges: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the largest absolute value between each two edges."""
    return np.asarray(np.maximum(np.abs(edges[:-1]), np.abs(edges[1:])))


def _clipped(pixels: Pixels, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of a rectangle in whole pixels, clipped to the picture; None if empty."""
    height, width = pixels.shape[:2]
    columns = max(math.floor(left), 0), min(math.ceil(right), width)
    rows = max(math.floor(top), 0), min(math.ceil(bottom), height)
    if columns[0] >= columns[1] or rows[0] >= rows[1]:
        return None
    return columns[0], rows[0], columns[1], rows[1]


def _thrice(channel: Pixels) -> Pixels:
    """Repeat `(H, W)` as three equal channels."""
    return np.asarray(cv2.cvtColor(channel, cv2.COLOR_GRAY2RGB), np.uint8)


def _overlay(under: Pixels, art: Pixels, first: int, last: int) -> None:
    """Blend premultiplied RGBA `art` over `under` in place; its columns from `first` to `last` are opaque."""
    if first >= last:
        _blend(under, art)
        return
    _blend(under[:, :first], art[:, :first])
    if under.shape[2] == 3:
        cv2.cvtColor(art[:, first:last], cv2.COLOR_RGBA2RGB, dst=under[:, first:last])
    else:
        under[:, first:last] = art[:, first:last]
    _blend(under[:, last:], art[:, last:])


def _blend(under: Pixels, art: Pixels) -> None:
    """Blend premultiplied RGBA `art` over straight RGB or RGBA `under` in place, uint8 (Porter and Duff's `over`)."""
    if not art.size:
        return
    alpha = art[:, :, 3]
    rest = _thrice(np.asarray(cv2.bitwise_not(alpha), np.uint8))
    color = cv2.cvtColor(art, cv2.COLOR_RGBA2RGB)
    if under.shape[2] == 3:
        cv2.add(cv2.multiply(under, rest, scale=1 / 255), color, dst=under)
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
