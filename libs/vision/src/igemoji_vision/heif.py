"""Read the size of the primary image from the boxes of a HEIF file (ISO/IEC 23008-12), without decoding."""

import struct
from collections.abc import Iterator

from igemoji_vision.errors import PhotoDamaged, PhotoKindUnsupported, PhotoNotRecognized

HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
GENERAL_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf"}
HEVC_ITEMS = {b"hvc1", b"grid", b"iden", b"iovl"}
MAX_BOXES = 20_000
"""Boxes that are read before a file is called damaged; a photo of 40 MP in small tiles has about a thousand."""

Span = tuple[int, int]


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels of the upright primary image.

    Raises PhotoNotRecognized for related formats (AVIF, videos), PhotoDamaged for invalid boxes, struct.error if the
    data ends too early.
    """
    boxes = _Boxes(data)
    (brand_size,) = struct.unpack_from(">I", data, 0)
    brands = {data[at : at + 4] for at in (8, *range(16, min(brand_size, 256), 4))}
    if not brands & (HEVC_BRANDS | GENERAL_BRANDS) or data[8:12] in (b"avif", b"avis"):
        raise PhotoNotRecognized
    meta = boxes.find((0, len(data)), b"meta")
    # `meta` is a full box: version and flags come before its children.
    inside = (meta[0] + 4, meta[1])
    primary = boxes.primary_item(inside)
    if boxes.item_type(inside, primary) not in HEVC_ITEMS:
        raise PhotoKindUnsupported
    return boxes.upright_size(inside, primary)


class _Boxes:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_BOXES

    def children(self, span: Span) -> Iterator[tuple[bytes, Span]]:
        at, end = span
        while at + 8 <= end:
            self._left -= 1
            if self._left < 0:
                raise PhotoDamaged
            length, kind = struct.unpack_from(">I4s", self._data, at)
            start = at + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", self._data, start)
                start += 8
            elif length == 0:
                length = end - at
            if length < start - at:
                raise PhotoDamaged
            yield kind, (start, min(at + length, end))
            at += length

    def find(self, span: Span, wanted: bytes) -> Span:
        for kind, inside in self.children(span):
            if kind == wanted:
                return inside
        raise PhotoDamaged

    def primary_item(self, meta: Span) -> int:
        at, _ = self.find(meta, b"pitm")
        version = self._data[at]
        (item,) = struct.unpack_from(">I" if version else ">H", self._data, at + 4)
        return int(item)

    def item_type(self, meta: Span, item: int) -> bytes:
        start, end = self.find(meta, b"iinf")
        first = start + (8 if self._data[start] else 6)
        for kind, (at, _) in self.children((first, end)):
            if kind != b"infe" or self._data[at] < 2:
                continue
            wide = self._data[at] > 2
            (number,) = struct.unpack_from(">I" if wide else ">H", self._data, at + 4)
            if number == item:
                return self._data[at + (10 if wide else 8) :][:4]
        raise PhotoDamaged

    def upright_size(self, meta: Span, item: int) -> tuple[int, int]:
        properties = self.find(meta, b"iprp")
        shared = list(self.children(self.find(properties, b"ipco")))
        width = height = 0
        swapped = False
        for index in self._associations(self.find(properties, b"ipma"), item):
            if not 0 < index <= len(shared):
                continue
            kind, (at, _) = shared[index - 1]
            if kind == b"ispe":
                width, height = struct.unpack_from(">II", self._data, at + 4)
            elif kind == b"irot":
                swapped ^= bool(self._data[at] & 1)
        return (height, width) if swapped else (width, height)

    def _associations(self, span: Span, item: int) -> list[int]:
        """Return the numbers, from 1, of the properties of an item."""
        at, end = span
        version, wide = self._data[at], bool(self._data[at + 3] & 1)
        (entries,) = struct.unpack_from(">I", self._data, at + 4)
        at += 8
        for _ in range(min(entries, MAX_BOXES)):
            (number,) = struct.unpack_from(">I" if version else ">H", self._data, at)
            at += 4 if version else 2
            count = self._data[at]
            step = 2 if wide else 1
            first, at = at + 1, at + 1 + count * step
            if at > end:
                break
            if number == item:
                found = struct.unpack_from(f">{count}{'H' if wide else 'B'}", self._data, first)
                # The top bit says that the property is essential.
                return [value & (0x7FFF if wide else 0x7F) for value in found]
        raise PhotoDamaged
