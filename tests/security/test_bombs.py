"""Decompression bombs: small files and messages that expand to large ones."""

import base64
import gzip
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.actors import Actors
from contract.calls import RPCS, outcome_of
from PIL import Image

from .attack_report import Attacks
from .live import LiveMesh

MIB = 1 << 20
MAX_MIB = 1200
"""Maximum memory of a process during an attack; a worker may use 1.5 GiB for the largest photo."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes, rows: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def full(width: int, height: int) -> bytes:
    """Return a picture as large as its header says: zeros, which compress by a factor of a thousand."""
    return png(width, height, rows=bytes((width + 1) * height))


def saved(kind: str, size: tuple[int, int], **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (120, 90, 60)).save(file, kind, **options)
    return file.getvalue()


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(saved("JPEG", (64, 64)))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_that_claims(width: int, height: int) -> bytes:
    data = bytearray(saved("WEBP", (64, 64)))
    start = data.index(b"\x9d\x01\x2a") + 3
    data[start : start + 4] = struct.pack("<HH", width, height)
    return bytes(data)


def animation(frames: int) -> bytes:
    first, *others = [Image.new("RGB", (200, 200), (number % 255, 0, 0)) for number in range(frames)]
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=others, duration=10)
    return file.getvalue()


TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "PNG, 60,000 square, full": lambda: png(60_000, 60_000, rows=bytes(200 * MIB)),
    "PNG, 2^31 - 1 wide": lambda: png(2**31 - 1, 1, rows=bytes(1000)),
    "PNG, 10,000 square, full": lambda: full(10_000, 10_000),
    "JPEG, claims 65,000 square": lambda: jpeg_that_claims(65_000, 65_000),
    "JPEG, 8,000 x 6,000": lambda: saved("JPEG", (8000, 6000), quality=1),
    "WebP, claims 16,383 square": lambda: webp_that_claims(16_383, 16_383),
    "GIF": lambda: saved("GIF", (64, 64)),
    "ZIP": lambda: b"PK\x03\x04" + bytes(1000),
    "gzip of a PNG": lambda: gzip.compress(full(2000, 2000)),
}
"""Refused by their headers."""

UNFOLDING: dict[str, Callable[[], bytes]] = {
    "PNG, 200 MiB behind a small size": lambda: png(64, 64, rows=bytes(200 * MIB)),
    "PNG, a profile of 200 MiB": lambda: png(
        64, 64, chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(200 * MIB), 9)), rows=bytes(65 * 64)
    ),
    "PNG, a text of 200 MiB": lambda: png(
        64, 64, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200 * MIB), 9)), rows=bytes(65 * 64)
    ),
    "PNG, 20,000 texts": lambda: png(64, 64, *[chunk(b"tEXt", b"Comment\0x")] * 20_000, rows=bytes(65 * 64)),
    "PNG, an EXIF without an end": lambda: png(
        64, 64, chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0" * 1000), rows=bytes(65 * 64)
    ),
    "WebP, 300 frames": lambda: animation(300),
}
"""Small by their headers: accepted or refused, as long as memory is bounded."""


def peak_mib(mesh: LiveMesh, service: str) -> int:
    """Return the peak memory of a service or its child processes."""
    pid = mesh.pid(service)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = []
    for process in (str(pid), *children):
        status = Path(f"/proc/{process}/status").read_text()
        found.append(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024)
    return max(found)


@pytest.mark.parametrize("name", [*TOO_LARGE, *UNFOLDING])
def test_photo_bombs_use_bounded_memory(name: str, mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    photo = (TOO_LARGE | UNFOLDING)[name]()
    assert len(photo) < 16 * MIB
    guest = actors.new_actor("guest")
    with attacks.attempt("as a photo"):
        answer = actors.http.post(
            "/api/v1/faces/tasks", params={"emoji_id": actors.built_in_id}, content=photo, headers=guest.headers
        )
        if name in UNFOLDING and answer.status_code == 202:
            task = actors.finished(answer.json()["task_id"], guest)
            assert task["state"] == "TASK_STATE_DONE" or task["error"]["reason"].startswith(("PHOTO_", "LIMIT"))
        else:
            refusal = outcome_of(answer)
            assert (refusal.status, refusal.reason[:6]) == (400, "PHOTO_")
        assert peak_mib(mesh, "inference") < MAX_MIB
    if len(photo) <= MIB:
        with attacks.attempt("as a template's picture"):
            body = {"image": base64.b64encode(photo).decode()}
            answer = actors.http.post("/api/v1/emojis/preview", json=body, headers=guest.headers)
            assert answer.status_code == 400 or (name in UNFOLDING and answer.status_code == 200)
            assert peak_mib(mesh, "emoji-catalog") < MAX_MIB


def test_compressed_bodies_are_refused(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    body = gzip.compress(b'{"email":"' + b"a" * (200 * MIB) + b'"}', 9)[: 256 * 1024]
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        with attacks.attempt(encoding):
            headers = {"content-encoding": encoding, "content-type": "application/json"}
            answer = actors.http.post("/api/v1/users/auth", content=body, headers=headers)
            assert outcome_of(answer).reason == "INVALID_REQUEST"
            assert peak_mib(mesh, "gateway") < MAX_MIB


@pytest.mark.parametrize("name", ["auth.Login", "emoji_catalog.CreateEmoji", "inference.CreateTask"])
def test_compressed_grpc_message_is_limited(name: str, mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    """GRPC can compress messages: 60 MiB of zeros in 60 KiB."""
    rpc = RPCS[name]
    field = b"\x0a" + b"\x80\x80\x80\x1e" + bytes(60 * MIB)
    with attacks.attempt("gzip"):
        call: Any = actors.channel.unary_unary(rpc.path)
        metadata = tuple((name.lower(), value) for name, value in actors.owner.headers.items())
        with pytest.raises(grpc.RpcError) as refused:
            call(field, metadata=metadata, timeout=120, compression=grpc.Compression.Gzip)
        assert refused.value.code() in (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.INVALID_ARGUMENT,
            grpc.StatusCode.INTERNAL,
            grpc.StatusCode.UNAVAILABLE,
        )
        for service in ("auth", "emoji-catalog", "inference"):
            assert peak_mib(mesh, service) < MAX_MIB


NESTED = {
    "lists": "[" * 100_000 + "]" * 100_000,
    "objects": '{"email":' * 20_000 + "1" + "}" * 20_000,
    "a list in a field": '{"email":' + "[" * 50_000 + "]" * 50_000 + "}",
    "many fields": "{" + ",".join(f'"f{number}":1' for number in range(15_000)) + "}",
    "the same field": "{" + ",".join('"email":"a"' for _ in range(15_000)) + "}",
    "a large number": '{"email":' + "9" * 200_000 + "}",
    "a tiny number": '{"email":1e-' + "9" * 200_000 + "}",
    "many escapes": '{"email":"' + "\\u0041" * 40_000 + '"}',
    "half a pair": '{"email":"\\ud800","password":"x"}',
    "no end": '{"email":"',
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_long_or_odd_json_is_refused(name: str, actors: Actors, attacks: Attacks) -> None:
    with attacks.attempt(name):
        headers = {"content-type": "application/json"}
        answer = actors.http.post("/api/v1/users/auth", content=NESTED[name].encode(), headers=headers)
        assert outcome_of(answer).status in (400, 401)


def test_odd_or_huge_forms_are_refused(actors: Actors, attacks: Attacks) -> None:
    part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    emoji = part.format("emoji_id", actors.built_in_id)
    for what, boundary, body in (
        ("100,000 parts", "b", "".join(f"--b\r\n{part.format('x', 'y')}" for _ in range(100_000)) + "--b--\r\n"),
        ("a header of 1 MiB", "b", f"--b\r\nX: {'y' * MIB}\r\n{emoji}--b--\r\n"),
        ("10,000 headers", "b", "--b\r\n" + "X: y\r\n" * 10_000 + f"{emoji}--b--\r\n"),
        ("a boundary of 8 KiB", "b" * 8000, f"--{'b' * 8000}\r\n{emoji}--{'b' * 8000}--\r\n"),
        ("no boundary", "", f"--b\r\n{emoji}--b--\r\n"),
        ("no end", "b", f"--b\r\n{emoji}"),
        ("boundaries only", "b", "--b\r\n" * 200_000),
        ("forms in forms", "b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{'--c' * 1000}\r\n--b--\r\n"),
        ("no picture", "b", f"--b\r\n{emoji}--b--\r\n"),
    ):
        with attacks.attempt(what):
            headers = actors.owner.headers | {"content-type": f"multipart/form-data; boundary={boundary}"}
            answer = actors.http.post("/api/v1/faces/tasks", content=body.encode(), headers=headers)
            assert outcome_of(answer).status in (400, 404, 413), answer.text


def test_bombs_are_as_large_as_they_claim() -> None:
    """Check that the attacks above are what they claim."""
    assert Image.open(io.BytesIO(full(2000, 2000))).size == (2000, 2000)
    assert json.loads(NESTED["many escapes"])["email"] == "A" * 40_000
