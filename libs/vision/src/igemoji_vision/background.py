"""Make plain backgrounds transparent: pixels of the border's color that are connected with the border."""

import re
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageFilter

TOLERANCE = 24
"""How far each channel of a background pixel may be from the background's color; covers what JPEG adds."""
PLAIN_SHARE = 0.9
"""Share of the border that must have the background's color."""
KEPT_SHARE = 0.01
"""Share of the picture that must remain; otherwise the picture is plain itself and has no background."""

_RUN = re.compile(rb"\xff+")


def without_background(image: Image.Image) -> Image.Image:
    """Make the plain background of an RGBA picture transparent; return others as they are."""
    if image.getchannel("A").histogram()[255] < image.width * image.height:
        return image
    rgb = image.convert("RGB")
    alike = _like(rgb, _border_color(rgb))
    border = list(_border(alike))
    if border.count(255) < PLAIN_SHARE * len(border):
        return image
    outside = _connected_with_border(alike)
    if outside.histogram()[0] < KEPT_SHARE * image.width * image.height:
        return image
    cut = image.copy()
    cut.putalpha(_soft(ImageChops.invert(outside)))
    return cut


def _border(image: Image.Image) -> Iterator[int]:
    """Iterate over the outermost pixels of a picture with one channel."""
    width, height = image.size
    for box in ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height)):
        yield from image.crop(box).tobytes()


def _border_color(rgb: Image.Image) -> tuple[int, ...]:
    """Return the median of each channel of the border."""
    channels = [sorted(_border(channel)) for channel in rgb.split()]
    return tuple(values[len(values) // 2] for values in channels)


def _like(rgb: Image.Image, color: tuple[int, ...]) -> Image.Image:
    """Return a mask: 255 where every channel is near the color, else 0."""
    channels = ImageChops.difference(rgb, Image.new("RGB", rgb.size, color)).split()
    furthest = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    return furthest.point([255 if value <= TOLERANCE else 0 for value in range(256)])


def _connected_with_border(mask: Image.Image) -> Image.Image:
    """Return the part of a mask that is connected with the border, over sides of pixels.

    Runs of set pixels in a row are joined with those that they touch in the row above (union-find): a plain picture has
    few of them.
    """
    width, height = mask.size
    data = mask.tobytes()
    runs: list[tuple[int, int, int]] = []
    parent = [0]  # the border
    above: list[int] = []

    def root(label: int) -> int:
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    for y in range(height):
        row: list[int] = []
        first = 0  # the first run above that may touch
        for found in _RUN.finditer(data[y * width : (y + 1) * width]):
            start, end = found.span()
            label = len(parent)
            parent.append(label)
            runs.append((y, start, end))
            row.append(label)
            if y in (0, height - 1) or start == 0 or end == width:
                parent[root(label)] = root(0)
            while first < len(above) and runs[above[first] - 1][2] <= start:
                first += 1
            for other in above[first:]:
                if runs[other - 1][1] >= end:
                    break
                parent[root(label)] = root(other)
        above = row
    reached = bytearray(width * height)
    for label, (y, start, end) in enumerate(runs, 1):
        if root(label) == root(0):
            reached[y * width + start : y * width + end] = b"\xff" * (end - start)
    return Image.frombytes("L", mask.size, bytes(reached))


def _soft(kept: Image.Image) -> Image.Image:
    """Return a mask without its outermost pixels, which are mixed with background, and with a smooth edge."""
    inner = kept.filter(ImageFilter.MinFilter(3))
    return ImageChops.darker(kept, inner.filter(ImageFilter.GaussianBlur(0.7)))
