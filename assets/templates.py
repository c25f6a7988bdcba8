"""The built-in templates: the art of the emoji package for each expression, and its cropping."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

SIDE = 512
MARGIN = 6
PACKAGE = "@lobehub/fluent-emoji-3d"
LICENSE = "MIT"
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True)
class Template:
    """A built-in template; `pictures` names code points of the emoji package in the order of `EXPRESSIONS`."""

    slug: str
    name: str
    tags: tuple[str, ...]
    pictures: tuple[str, str, str, str, str, str, str]


TEMPLATES = (
    Template(
        "classic",
        "Classic Faces",
        ("faces", "classic"),
        ("1f621", "1f922", "1f628", "1f604", "1f622", "1f62e", "1f610"),
    ),
    Template(
        "drama",
        "Full Drama",
        ("faces", "loud"),
        ("1f92c", "1f92e", "1f631", "1f923", "1f62d", "1f92f", "1fae5"),
    ),
    Template(
        "cats",
        "Cats",
        ("animals", "cats"),
        ("1f63e", "1f63c", "1f640", "1f638", "1f63f", "1f63b", "1f431"),
    ),
    Template(
        "zoo",
        "Little Zoo",
        ("animals", "cute"),
        ("1f42f", "1f437", "1f42d", "1f436", "1f43c", "1f438", "1f428"),
    ),
    Template(
        "monsters",
        "Monsters and Robots",
        ("spooky", "space"),
        ("1f47f", "1f4a9", "1f480", "1f47b", "1f9df", "1f47d", "1f916"),
    ),
    Template(
        "dress-up",
        "Dress-up Party",
        ("faces", "party", "disguise"),
        ("1f479", "1f637", "1fae3", "1f920", "1f915", "1f9d0", "1f978"),
    ),
    Template(
        "weather",
        "Weather Report",
        ("sky", "weather"),
        ("26c8-fe0f", "1f32c-fe0f", "1f32a-fe0f", "1f31e", "1f327-fe0f", "1f31f", "26c5"),
    ),
    Template(
        "hearts",
        "Hearts",
        ("hearts", "love"),
        ("2764-fe0f-200d-1f525", "1f49a", "1f5a4", "1f496", "1f494", "1f498", "2764-fe0f"),
    ),
    Template(
        "snacks",
        "Snack Time",
        ("food",),
        ("1f345", "1f966", "1f36e", "1f369", "1f9c5", "1f37f", "1f36a"),
    ),
)


def files(package: Path) -> Iterator[tuple[str, bytes]]:
    """Yield `(path below templates/, content)` of every template: its seven pictures and its template.json."""
    version = json.loads((package / "package.json").read_text())["version"]
    for template in TEMPLATES:
        for expression, code in zip(EXPRESSIONS, template.pictures, strict=True):
            yield f"{template.slug}/{expression}.png", picture((package / "assets" / f"{code}.webp").read_bytes())
        about = {
            "name": template.name,
            "tags": list(template.tags),
            "license": LICENSE,
            "source": f"npm {PACKAGE} {version} (Fluent Emoji by Microsoft)",
        }
        yield f"{template.slug}/template.json", json.dumps(about, indent=2).encode() + b"\n"


def picture(source: bytes) -> bytes:
    """Return one emoji as a 512 px RGBA PNG, cropped and centered, so that it covers the face under it."""
    image = Image.open(BytesIO(source)).convert("RGBA")
    drawn = image.crop(image.getchannel("A").getbbox())
    scale = (SIDE - 2 * MARGIN) / max(drawn.size)
    size = (round(drawn.width * scale), round(drawn.height * scale))
    # Pillow resizes RGBA premultiplied, so that no color bleeds in from transparent pixels.
    grown = drawn.resize(size, Image.Resampling.BICUBIC)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(grown, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    out = BytesIO()
    canvas.save(out, "PNG", compress_level=6)
    return out.getvalue()
