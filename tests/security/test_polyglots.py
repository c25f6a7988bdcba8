"""Files that are a picture to one reader and a page, a script or an archive to another."""

import base64
import io
import struct
import zlib
from typing import Any

import httpx
import pytest
from contract.actors import World
from contract.calls import outcome_of
from PIL import Image, PngImagePlugin

from .attack_report import Tally

SCRIPT = b"<script>document.title='taken'</script>"
MARKER = b"document.title='taken'"
"""What must never come out again."""


def picture(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, kind, **options)
    return file.getvalue()


def png_with(text: bytes) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", text.decode())
    info.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{text.decode()}</x:xmpmeta>")
    return picture("PNG", pnginfo=info)


def png_whose_pixels_are(text: bytes) -> bytes:
    """Stored, not packed: the script stands in the file as it is."""
    row = text.ljust(96, b" ")
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row for _ in range(32)), 0)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def exif_with(text: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = text.decode()  # ImageDescription
    exif[0x9286] = b"ASCII\0\0\0" + text  # UserComment
    return exif.tobytes()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">%s<rect width="9" height="9"/></svg>'

NO_PICTURES = {
    "SVG": SVG % SCRIPT,
    "SVG with a declaration": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + SVG % b"&x;",
    "SVG behind a mark": b"\xef\xbb\xbf" + SVG % SCRIPT,
    "SVG, billion laughs": b"<!DOCTYPE svg [<!ENTITY a 'ha'>"
    + b"".join(
        b"<!ENTITY %c '&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;'>" % (b, *[a] * 8)
        for a, b in zip(b"abcdefgh", b"bcdefghi", strict=True)
    )
    + b"]>"
    + SVG % b"&i;",
    "HTML": b"<!DOCTYPE html>" + SCRIPT,
    "GIF and script": b"GIF89a/*" + bytes(20) + b"*/=1;" + SCRIPT,
    "BMP and script": b"BM/*" + bytes(60) + b"*/=1;" + SCRIPT,
    "PDF": b"%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n" + SCRIPT,
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n" + SCRIPT,
    "ImageMagick's MVG": b"push graphic-context\nviewbox 0 0 9 9\nfill 'url(https://127.0.0.1:1/x.jpg\"|id \")'\n"
    + SCRIPT,
    "JavaScript": b"alert(1)//" + bytes(30),
    "PHP": b"<?php system($_GET['x']); ?>" + SCRIPT,
    "an archive": b"PK\x03\x04" + bytes(30) + SCRIPT,
    "a class": b"\xca\xfe\xba\xbe" + bytes(30) + SCRIPT,
    "a program": b"\x7fELF" + bytes(60) + SCRIPT,
    "a TIFF": b"II*\0\x08\0\0\0" + bytes(30) + SCRIPT,
    "an icon": b"\0\0\1\0\1\0" + bytes(30) + SCRIPT,
    "a PNG's first bytes": b"\x89PNG\r\n\x1a\n" + SCRIPT,
    "a JPEG's first bytes": b"\xff\xd8\xff\xe0" + SCRIPT,
    "nothing": b"",
}

PICTURES_TOO = {
    "PNG with a script in its comments": png_with(SCRIPT),
    "PNG and a page behind it": picture("PNG") + SCRIPT,
    "PNG and an archive behind it": picture("PNG") + b"PK\x05\x06" + bytes(18) + SCRIPT,
    "PNG whose pixels are a script": png_whose_pixels_are(SCRIPT),
    "JPEG with a script in its EXIF": picture("JPEG", exif=exif_with(SCRIPT)),
    "JPEG with a script in its comment": picture("JPEG", comment=SCRIPT),
    "JPEG and a page behind it": picture("JPEG") + b"<!--" + SCRIPT,
    "WebP with a script in its EXIF": picture("WEBP", exif=exif_with(SCRIPT)),
    "WebP with a script in its XMP": picture("WEBP", xmp=SCRIPT),
}


def as_picture(world: World, data: bytes) -> httpx.Response:
    draft = {
        "name": "Polyglot",
        "base_id": world.built_in_id,
        "visibility": "private",
        "images": {"happy": base64.b64encode(data).decode()},
    }
    return world.http.post("/api/v1/emojis", json=draft, headers=world.owner.headers)


def as_photo(world: World, data: bytes, content_type: str = "image/jpeg") -> httpx.Response:
    headers = world.owner.headers | {"content-type": content_type}
    return world.http.post("/api/v1/faces/tasks", params={"emoji_id": world.built_in_id}, content=data, headers=headers)


def is_a_picture_and_no_more(answer: httpx.Response) -> None:
    """To a browser too, which would look for something else in it if it were let."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] in ("image/png", "image/jpeg", "image/webp")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert MARKER not in answer.content
    Image.open(io.BytesIO(answer.content)).verify()


@pytest.mark.parametrize("name", NO_PICTURES)
def test_non_pictures_are_refused_with_any_content_type(name: str, world: World, tally: Tally) -> None:
    data = NO_PICTURES[name]
    with tally.attempt("as a template's picture"):
        refusal = outcome_of(as_picture(world, data))
        # Nothing at all is as if it were not given: it is taken from the template that it is a copy of.
        assert refusal.status == (400 if data else 201)
        assert MARKER not in str(refusal.body).encode()
    for content_type in ("image/png", "image/jpeg", "image/svg+xml", "text/html", "application/json"):
        with tally.attempt(f"as a photo called {content_type}"):
            refusal = outcome_of(as_photo(world, data, content_type))
            assert (refusal.status, refusal.reason.split("_")[0]) in ((400, "PHOTO"), (400, "INVALID"))
            assert MARKER not in str(refusal.body).encode()


@pytest.mark.parametrize("name", PICTURES_TOO)
def test_polyglots_are_reduced_to_the_picture(name: str, world: World, tally: Tally) -> None:
    data = PICTURES_TOO[name]
    assert MARKER in data
    with tally.attempt("as a template's picture"):
        made = as_picture(world, data)
        assert made.status_code == 201, made.text
        picture = world.http.get(made.json()["images"]["happy"], headers=world.owner.headers)
        is_a_picture_and_no_more(picture)
        assert picture.headers["content-type"] == "image/png"
    with tally.attempt("as a preview"):
        body = {"image": base64.b64encode(data).decode()}
        is_a_picture_and_no_more(world.http.post("/api/v1/emojis/preview", json=body, headers=world.owner.headers))
    with tally.attempt("as a photo"):
        taken = as_photo(world, data)
        assert taken.status_code == 202, taken.text
        task = world.finished(taken.json()["task_id"], world.owner)
        assert task["state"] == "TASK_STATE_DONE"
        is_a_picture_and_no_more(world.http.get(task["image_url"], headers=world.owner.headers))


def test_user_text_is_served_as_json_only(world: World, tally: Tally) -> None:
    for text in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}${7*7}", "javascript:alert(1)"):
        with tally.attempt(text):
            draft = {"name": text, "base_id": world.built_in_id, "visibility": "private", "tags": [text[:20]]}
            made = world.http.post("/api/v1/emojis", json=draft, headers=world.owner.headers)
            assert made.status_code == 201
            answer = world.http.get(f"/api/v1/emojis/{made.json()['id']}", headers=world.owner.headers)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.json()["name"] == text
        with tally.attempt(f"{text}, in an error"):
            answer = world.http.get(f"/api/v1/faces/ranking?{text}=1")
            assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
