"""Covers faces: the face itself becomes a coarse mosaic, and the emoji is laid over it."""

import hashlib
import math
from collections import OrderedDict
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
"""Side of the emoji's square in terms of the longer side of the face's box."""
MOSAIC_REACH = 1.05
"""Axes of the mosaic's ellipse in terms of the box."""
MOSAIC_CELLS = 6
"""Cells along the longer side of the face: too few to know anybody by."""
CELL_SAMPLES = 16
"""A cell's colour is the mean of at least so many rows and columns in it: to look at all of them only takes time."""
SMALLEST_LEVEL, LARGEST_LEVEL = 16, 1024
ENLARGED = 1.6
"""So far a picture is enlarged as it is laid down. Beyond it a larger level is made, which no longer fits the cache."""
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
        self.reach, self.solid = _radii(picture)
        """How far from its middle the picture shows anything, in terms of its side (0.5 of a disc, 0.71 of a square),
        and how far it lets nothing through."""
        self.side = picture.shape[0]
        self._levels = [picture]
        while self._levels[0].shape[0] >= 2 * SMALLEST_LEVEL:
            half = self._levels[0].shape[0] // 2
            self._levels.insert(0, np.asarray(cv2.resize(self._levels[0], (half, half), interpolation=cv2.INTER_AREA)))

    def level(self, side: float) -> Pixels:
        """The smallest level of at least `side` pixels, or the largest; grown where it is much too small."""
        while self._levels[-1].shape[0] < min(side / ENLARGED, LARGEST_LEVEL / 2 + 1):
            double = 2 * self._levels[-1].shape[0]
            grown = cv2.resize(self._levels[-1], (double, double), interpolation=cv2.INTER_CUBIC)
            # Cubic interpolation overshoots: premultiplied colour is never more than alpha.
            grown[:, :, :3] = cv2.min(
                cv2.cvtColor(grown, cv2.COLOR_RGBA2RGB), _thrice(np.asarray(grown[:, :, 3], np.uint8))
            )
            self._levels.append(np.asarray(grown))
        return next((level for level in self._levels if level.shape[0] >= side), self._levels[-1])


def _radii(picture: Pixels) -> tuple[float, float]:
    """See Emoji.reach and Emoji.solid: to the outer corner of the last pixel, to the inner one of the first."""
    side = picture.shape[0]
    alpha = picture[:, :, 3]
    off = (np.arange(side) - (side - 1) / 2) ** 2
    squares = off[:, None] + off[None, :]
    corner = math.sqrt(0.5)
    reach = math.sqrt(squares[alpha > 0].max()) + corner if alpha.any() else 0.0
    # What lies outside of the picture lets everything through.
    solid = math.sqrt(min(squares[alpha < 255].min(initial=math.inf), (side / 2) ** 2)) - corner
    return reach / side, max(solid, 0.0) / side


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
    art = {expression: emojis.get(pictures[expression]) for expression in {face.expression for face in hidden}}
    # First every mosaic, so that none of them smears over the emoji of a neighbour.
    for face in hidden:
        pixelate(pixels, face.box, _solid_radius(art[face.expression], face.box))
    for face in hidden:
        place(pixels, art[face.expression], face.box, face.roll)


def pixelate(pixels: Pixels, box: Box, hidden_radius: float = 0.0) -> None:
    """Turns the ellipse around a box into a mosaic, in place, `(H, W, 3 or 4)` uint8; cells are whole or not there.

    Cells that lie within `hidden_radius` pixels of its middle are left as they are: what comes on top hides them.
    """
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
    # Cell by cell: to enlarge all of them and to mask them takes three times as long.
    for row, column in np.argwhere(wanted):
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
    radius = emoji.reach * side + _smear(emoji, side)
    solid = _solid_radius(emoji, box)
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
        half = _half_chord(radius, max(start - y, y - end, 0.0))
        first, last = max(left, math.floor(x - half)), min(right, math.ceil(x + half))
        if first >= last:
            continue
        matrix = np.column_stack([turn, shift - [first, start]])
        warped = cv2.warpAffine(level, matrix, (last - first, end - start), flags=cv2.INTER_LINEAR)
        half = _half_chord(solid, max(y - start, end - y))
        opaque = [min(max(edge - first, 0), last - first) for edge in (math.ceil(x - half), math.floor(x + half))]
        _lay(pixels[start:end, first:last], np.asarray(warped, np.uint8), *opaque)


def _solid_radius(emoji: Emoji, box: Box) -> float:
    """Pixels of the photo around the middle of a box that its emoji lets nothing through, however it is turned."""
    side = max(EMOJI_SIDE * box.side, 1.0)
    return max(emoji.solid * side - _smear(emoji, side), 0.0)


def _smear(emoji: Emoji, side: float) -> float:
    """How far, in pixels of the photo, levels and turns spread a pixel of a picture that is laid down at `side`.

    A level that is grown takes from two pixels on either side, the next one from half as far.
    """
    return 5 * float(max(side / emoji.level(side).shape[0], side / emoji.side, 1.0))


def _half_chord(radius: float, off: float) -> float:
    """Half of what a circle cuts out of a line that passes its middle at a distance of `off`."""
    return math.sqrt(max((radius - off) * (radius + off), 0.0))


def _farthest(edges: NDArray[np.floating]) -> NDArray[np.floating]:
    """Between each two of these numbers, how far from 0 one can be."""
    return np.asarray(np.maximum(np.abs(edges[:-1]), np.abs(edges[1:])))


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


def _lay(under: Pixels, art: Pixels, first: int, last: int) -> None:
    """Lays premultiplied RGBA `art` onto `under`, in place; its columns from `first` to `last` let nothing through."""
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
    """Porter and Duff's `over`: premultiplied RGBA `art` onto straight RGB or RGBA `under`, in place, uint8."""
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
