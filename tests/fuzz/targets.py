"""Fuzz targets. A target takes any bytes and raises on a fault; refusing an input with the documented error is none."""

import asyncio
import datetime
import io
import json
import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pillow_heif
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from PIL import Image

from igemoji.auth.v1 import auth_pb2
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji.inference.v1 import inference_pb2
from igemoji.ranking.v1 import ranking_pb2
from igemoji_auth.domain.errors import RefreshTokenMissing
from igemoji_auth.entrypoints import cookie
from igemoji_inference.entrypoints import multipart
from igemoji_mesh import pagination
from igemoji_mesh.auth.tokens import Claims, SigningKey, TokenRefused, TokenVerifier, issue
from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.interceptors.validation import InvalidRequest, validate
from igemoji_protos import rpcs
from igemoji_vision.decode import decode
from igemoji_vision.errors import PhotoError, PictureUnfit
from igemoji_vision.headers import MAX_PIXELS, inspect
from igemoji_vision.pictures import MAX_PIXELS as MAX_PICTURE_PIXELS
from igemoji_vision.pictures import SIDE, normalize

LARGE = 1_000_000
"""Pixels; larger photos take long and are covered by the hostile suite of libs/vision."""
CONTRACT = (auth_pb2, emoji_catalog_pb2, inference_pb2, ranking_pb2)
"""Imported so that the messages of every service are in protobuf's pool."""


@dataclass(frozen=True)
class Target:
    """A parser to fuzz."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    """Return valid input to start with."""
    max_bytes: int


def photo(data: bytes) -> None:
    """Decode a photo as a worker does."""
    with suppress(PhotoError):
        info = inspect(data)
        assert 0 < info.width * info.height <= MAX_PIXELS
        if info.width * info.height <= LARGE:
            found = decode(data)
            assert found.pixels.dtype == np.uint8
            # A HEIC may be cropped to less than its header says; larger than that is a fault.
            assert found.width * found.height <= info.width * info.height
            assert found.pixels.ndim == 3
            assert found.pixels.shape[2] in (3, 4)


def picture(data: bytes) -> None:
    """Normalize a picture of a template."""
    with suppress(PictureUnfit):
        made = Image.open(io.BytesIO(normalize(data, keep_background=len(data) % 2 == 0)))
        assert (made.format, made.mode, made.size) == ("PNG", "RGBA", (SIDE, SIDE))
        assert MAX_PICTURE_PIXELS


def form(data: bytes) -> None:
    """Parse a form with a photo: the content type up to the first line end, then the body."""
    content_type, _, body = data.partition(b"\n")
    with suppress(multipart.FormUnreadable):
        found = multipart.parse(content_type.decode("latin-1"), body)
        assert len(found.image) + len(found.emoji_id.encode(errors="surrogatepass")) <= 4 * len(data)


ANNA = Claims("0198c0de-0000-7000-8000-000000000001", "anna", "user")
KEY = SigningKey("k1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
"""The same in every run, so that findings are reproducible."""
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
LOOP = asyncio.new_event_loop()


async def _keys() -> list[Any]:
    return [KEY.public]


VERIFIER = TokenVerifier(_keys, min_refresh_seconds=1e9)


def token(data: bytes) -> None:
    """Verify an access token as text; or, after a zero byte, header, payload and signature before encoding."""
    if data[:1] == b"\0":
        parts = [*data[1:].split(b"\0", 2), b"", b""][:3]
        text = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    else:
        text = data.decode("latin-1")
    with suppress(TokenRefused):
        assert LOOP.run_until_complete(VERIFIER.verify(text)) == ANNA, "a forged token is accepted"


def refresh(data: bytes) -> None:
    """Parse the cookie header with the refresh token."""
    header = data.decode("latin-1")
    context: Any = SimpleNamespace(invocation_metadata=lambda: [("cookie", header), ("x-requested-with", "fetch")])
    with suppress(RefreshTokenMissing):
        assert isinstance(cookie.refresh_token("", context), str)


def page(data: bytes) -> None:
    """Decode a page token as text; or, after a zero byte, the JSON inside a token."""
    text = data.decode("latin-1")
    if data[:1] == b"\0":
        digest = pagination._digest("q").encode()
        text = urlsafe_b64encode(b'["' + digest + b'",' + data[1:] + b"]").rstrip(b"=").decode()
    for by_time in (True, False):
        with suppress(pagination.InvalidPageToken):
            value, last_id = pagination.decode(text, "q", by_time=by_time)
            # As it goes to a database.
            assert str(UUID(last_id)) == last_id
            if isinstance(value, datetime.datetime):
                stored = UtcDateTime().process_bind_param(value, None)  # type: ignore[arg-type]
                assert stored is not None
            else:
                assert 0 <= value < 2**31


REQUESTS: list[type[Message]] = [
    message_factory.GetMessageClass(Default().FindMessageTypeByName(rpc.request))
    for rpc in sorted(rpcs(), key=lambda rpc: rpc.path)
]


def request(data: bytes) -> None:
    """Validate a request of the contract: the number of its message, then the values of its fields."""
    reader = io.BytesIO(data)
    made = REQUESTS[_number(reader, 1) % len(REQUESTS)]()
    _fill(made, reader)
    with suppress(InvalidRequest):
        validate(made)


def _fill(message: Message, reader: io.BytesIO) -> None:
    """Set fields while there is data: the number of a field, then its value."""
    fields = message.DESCRIPTOR.fields
    while fields and (number := reader.read(1)):
        field = fields[number[0] % len(fields)]
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry:
                continue
            inner = getattr(message, field.name)
            _fill(inner.add() if field.is_repeated else inner, io.BytesIO(reader.read(_number(reader, 1))))
            continue
        value = _value(field, reader)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def _value(field: Any, reader: io.BytesIO) -> Any:
    match field.cpp_type:
        case field.CPPTYPE_STRING if field.type == field.TYPE_BYTES:
            return reader.read(_number(reader, 1))
        case field.CPPTYPE_STRING:
            return reader.read(_number(reader, 1)).decode(errors="ignore")
        case field.CPPTYPE_BOOL:
            return _number(reader, 1) % 2 == 1
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return struct.unpack("<f", reader.read(4).ljust(4, b"\0"))[0]
        case field.CPPTYPE_INT32 | field.CPPTYPE_ENUM:
            return _number(reader, 4) - 2**31
        case field.CPPTYPE_INT64:
            return _number(reader, 8) - 2**63
        case _:
            return _number(reader, 4)


def _number(reader: io.BytesIO, size: int) -> int:
    return int.from_bytes(reader.read(size).ljust(size, b"\0"), "little")


def pictures() -> list[bytes]:
    """Return a small picture of every format."""
    pillow_heif.register_heif_opener()
    gradient = Image.linear_gradient("L").resize((24, 16)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("JPEG", gradient, {"exif": exif}),
        ("JPEG", gradient, {"progressive": True}),
        ("JPEG", gradient.convert("CMYK"), {}),
        ("PNG", gradient, {}),
        ("PNG", gradient.convert("RGBA"), {}),
        ("PNG", gradient.quantize(9), {"transparency": 0}),
        ("PNG", gradient.convert("I;16"), {}),
        ("WEBP", gradient, {"exif": exif}),
        ("WEBP", gradient.convert("RGBA"), {"lossless": True}),
        ("WEBP", gradient, {"save_all": True, "append_images": [gradient.rotate(180)]}),
        ("HEIF", gradient, {}),
    ]
    return [_saved(image, kind, **options) for kind, image, options in kinds]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _forms() -> list[bytes]:
    part = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    body = part % (b"emoji_id", b"", b"x") + part % (
        b"image",
        b'; filename="a.jpg"\r\nContent-Type: image/jpeg',
        b"\xff\xd8",
    )
    return [
        b"multipart/form-data; boundary=b\n" + body + b"--b--\r\n",
        b'multipart/form-data; boundary="b"\n' + body * 2 + b"--b--\r\n",
        b"multipart/form-data; boundary=b\n" + body,
        b"multipart/form-data\n" + body,
    ]


def _tokens() -> list[bytes]:
    now = datetime.datetime.now(datetime.UTC)
    claims = b'{"iss":"igemoji","aud":"igemoji","sub":"root","role":"operator","iat":1,"exp":99999999999}'
    return [
        issue(ANNA, KEY, lifetime_seconds=10**9, now=now).encode(),
        issue(ANNA, KEY, lifetime_seconds=1, now=LONG_AGO).encode(),
        b'\0{"alg":"none","kid":"k1"}\0' + claims + b"\0",
        b'\0{"alg":"HS256","kid":"k1"}\0' + claims + b"\0" + bytes(32),
        b'\0{"alg":"EdDSA","kid":"k1","crit":["b64"],"b64":false,"jwk":{}}\0' + claims + b"\0" + bytes(64),
    ]


def _page_tokens() -> list[bytes]:
    last_id = str(UUID(int=7))
    now = datetime.datetime.now(datetime.UTC)
    return [
        pagination.encode(now, last_id, "q").encode(),
        pagination.encode(7, last_id, "q").encode(),
        b"\0" + json.dumps(now.isoformat()).encode() + b',"' + last_id.encode() + b'"',
        b'\0"0001-01-01T00:00:00+23:59","' + last_id.encode() + b'"',
        b'\0 7,"\\ud800' + b"x" * 35 + b'"',
    ]


def _cookies() -> list[bytes]:
    made: SimpleCookie = SimpleCookie({cookie.NAME: "abc"})
    return [made.output(header="").strip().encode(), b"a=b; igemoji_refresh=x; c", b'igemoji_refresh="\\101"; =;;']


def _requests() -> list[bytes]:
    """Return each message twice: empty, and with a text or a number in each of its first fields."""
    texts = b"".join(bytes([field, 5]) + b"happy" for field in range(3))
    return [bytes([number]) + fields for number in range(len(REQUESTS)) for fields in (b"", texts)]


TARGETS: Mapping[str, Target] = {
    "photo": Target(photo, pictures, 8192),
    "picture": Target(picture, pictures, 8192),
    "form": Target(form, _forms, 2048),
    "token": Target(token, _tokens, 1024),
    "refresh": Target(refresh, _cookies, 512),
    "page": Target(page, _page_tokens, 512),
    "request": Target(request, _requests, 1024),
}
