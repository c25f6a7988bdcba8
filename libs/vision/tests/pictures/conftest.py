"""Pictures drawn for these tests."""

import io
from typing import Any

from PIL import Image, ImageDraw


def face(color: str, size: tuple[int, int] = (64, 64), kind: str = "PNG", **options: Any) -> bytes:
    """Draw a disc on transparent, or on white where the format knows no alpha."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((1, 1, size[0] - 2, size[1] - 2), fill=color)
    out = io.BytesIO()
    (image.convert("RGB") if kind == "JPEG" else image).save(out, kind, **options)
    return out.getvalue()


def endless(scans: int, side: int = 2_000) -> bytes:
    """Make a small progressive JPEG that repeats its last scan: each takes as long as all pixels."""
    out = io.BytesIO()
    Image.new("L", (side, side), 90).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * (scans - data.count(b"\xff\xda")) + data[-2:]
