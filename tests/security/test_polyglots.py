"""Polyglots: files that are a picture to one reader and a page, a script or an archive to another."""

import base64
import io
import struct
import zlib
from typing import Any

import httpx
import pytest
from contract.actors import Actors
from contract.calls import outcome_of
from PIL import Image, PngImagePlugin

from .attack_report import Attacks

SCRIPT = b"<script>document.title='taken'</script>"
MARKER = b"document.title='taken'"
"""Must not be in any response."""


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
    """Return a PNG without compression, so that the script is in the file as it is."""
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


def as_picture(actors: Actors, data: bytes) -> httpx.Response:
    draft = {
        "name": "Polyglot",
        "base_id": actors.built_in_id,
        "visibility": "private",
        "images": {"happy": base64.b64encode(data).decode()},
    }
    return actors.http.post("/api/v1/emojis", json=draft, headers=actors.owner.headers)


def as_photo(actors: Actors, data: bytes, content_type: str = "image/jpeg") -> httpx.Response:
    headers = actors.owner.headers | {"content-type": content_type}
    return actors.http.post(
        "/api/v1/faces/tasks", params={"emoji_id": actors.built_in_id}, content=data, headers=headers
    )


def is_a_picture_and_no_more(answer: httpx.Response) -> None:
    """Check that a response is only a picture, also to a browser that sniffs content."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] in ("image/png", "image/jpeg", "image/webp")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert MARKER not in answer.content
    Image.open(io.BytesIO(answer.content)).verify()


@pytest.mark.parametrize("name", NO_PICTURES)
def test_non_pictures_are_refused_with_any_content_type(name: str, actors: Actors, attacks: Attacks) -> None:
    data = NO_PICTURES[name]
    with attacks.attempt("as a template's picture"):
        refusal = outcome_of(as_picture(actors, data))
        # An empty picture counts as missing: the base template's is used.
        assert refusal.status == (400 if data else 201)
        assert MARKER not in str(refusal.body).encode()
    for content_type in ("image/png", "image/jpeg", "image/svg+xml", "text/html", "application/json"):
        with attacks.attempt(f"as a photo called {content_type}"):
            refusal = outcome_of(as_photo(actors, data, content_type))
            assert (refusal.status, refusal.reason.split("_")[0]) in ((400, "PHOTO"), (400, "INVALID"))
            assert MARKER not in str(refusal.body).encode()


@pytest.mark.parametrize("name", PICTURES_TOO)
def test_polyglots_are_reduced_to_the_picture(name: str, actors: Actors, attacks: Attacks) -> None:
    data = PICTURES_TOO[name]
    assert MARKER in data
    with attacks.attempt("as a template's picture"):
        made = as_picture(actors, data)
        assert made.status_code == 201, made.text
        picture = actors.http.get(made.json()["images"]["happy"], headers=actors.owner.headers)
        is_a_picture_and_no_more(picture)
        assert picture.headers["content-type"] == "image/png"
    with attacks.attempt("as a preview"):
        body = {"image": base64.b64encode(data).decode()}
        is_a_picture_and_no_more(actors.http.post("/api/v1/emojis/preview", json=body, headers=actors.owner.headers))
    with attacks.attempt("as a photo"):
        taken = as_photo(actors, data)
        assert taken.status_code == 202, taken.text
        task = actors.finished(taken.json()["task_id"], actors.owner)
        assert task["state"] == "TASK_STATE_DONE"
        is_a_picture_and_no_more(actors.http.get(task["image_url"], headers=actors.owner.headers))


def test_user_text_is_served_as_json_only(actors: Actors, attacks: Attacks) -> None:
    for text in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}${7*7}", "javascript:alert(1)"):
        with attacks.attempt(text):
            draft = {"name": text, "base_id": actors.built_in_id, "visibility": "private", "tags": [text[:20]]}
            made = actors.http.post("/api/v1/emojis", json=draft, headers=actors.owner.headers)
            assert made.status_code == 201
            answer = actors.http.get(f"/api/v1/emojis/{made.json()['id']}", headers=actors.owner.headers)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.json()["name"] == text
        with attacks.attempt(f"{text}, in an error"):
            answer = actors.http.get(f"/api/v1/faces/ranking?{text}=1")
            assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
