"""Protocol between a sandbox process and its parent over two pipes: JSON objects, each after its length.

Bytes follow the object that they belong to; a frame that was read has them as `blobs`.

| to the process | blobs | |
|---|---|---|
| `{"kind": "cover", "id", "expressions", …}` | the photo, a picture for each expression | see `cover` |
| `{"kind": "cancel", "id"}` | | stop this request at its next step |
| `{"kind": "normalize", "keep_background"}` | a picture | the stored form |
| `{"kind": "thumbnail", "width"}` | a stored picture | a small WebP |

It answers with `{"kind": "ready"}` once, or with `{"kind": "broken", "message"}` where it can never work; then for each
request with any number of `{"kind": "progress", "state", "percent", "faces"}` and one `{"kind": "done", …}` with the
result as its blob, or `{"kind": "failed", "reason", "message"}`.
"""

import asyncio
import json
import os
import select
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from igemoji_vision.faces import Box, Face

_LENGTH = struct.Struct(">I")
_DISCARDED_BYTES = 1 << 16

Frame = dict[str, Any]

Report = Callable[[Frame], None]
"""Sends a progress frame. Raises Cancelled."""
Work = Callable[[Frame, Report], tuple[Frame, bytes]]
"""Does a request: takes its frame, returns the `done` frame without its kind, and the result."""

LIMIT, CANCELLED, INTERNAL, PICTURE_UNFIT = "LIMIT", "CANCELLED", "INTERNAL", "PICTURE_UNFIT"
"""Reasons of `failed` besides those of PhotoError."""
LIMIT_MESSAGE = "This photo needs more memory than a photo may take. Try a smaller one."


def cover(
    request_id: str,
    photo: bytes,
    pictures: Mapping[str, bytes],
    marked: Sequence[tuple[Face, bool]] | None = None,
    *,
    progress: bool = True,
) -> tuple[Frame, list[bytes]]:
    """Return a request to cover the faces of a photo, and its blobs.

    Args:
        request_id: Name of the request in `cancel`.
        photo: The file as it was uploaded.
        pictures: PNG files by expression.
        marked: Faces that are known, each with whether it is covered; None: find them.
        progress: Whether to report each step.
    """
    faces = None if marked is None else [[face_to_json(face), covered] for face, covered in marked]
    frame = {"kind": "cover", "id": request_id, "expressions": list(pictures), "marked": faces, "progress": progress}
    return frame, [photo, *pictures.values()]


def face_to_json(face: Face) -> dict[str, Any]:
    """Return a face as JSON: pixels and degrees with two digits after the point."""
    return {
        "box": [round(side, 2) for side in (face.box.x, face.box.y, face.box.width, face.box.height)],
        "roll": round(face.roll, 2),
        "landmarks": [[round(x, 2), round(y, 2)] for x, y in face.landmarks],
        "detection_score": round(face.detection_score, 4),
        "expression": face.expression,
        "scores": {expression: round(score, 5) for expression, score in face.scores.items()},
        "uncertain": face.uncertain,
    }


def face_from_json(value: Mapping[str, Any]) -> Face:
    """Return a face from what `face_to_json` returned."""
    return Face(
        box=Box(*value["box"]),
        roll=value["roll"],
        landmarks=tuple((x, y) for x, y in value["landmarks"]),
        detection_score=value["detection_score"],
        expression=value["expression"],
        scores=value["scores"],
        uncertain=value["uncertain"],
    )


def encode(frame: Frame, blobs: Sequence[bytes] = ()) -> bytes:
    """Return the bytes of a frame on the pipe."""
    return b"".join(_pieces(frame, blobs))


def write(stream: BinaryIO, frame: Frame, blobs: Sequence[bytes] = ()) -> None:
    """Write a frame, without a copy of the blobs: memory may be short. Raises BrokenPipeError."""
    stream.writelines(_pieces(frame, blobs))
    stream.flush()


def _pieces(frame: Frame, blobs: Sequence[bytes]) -> tuple[bytes, ...]:
    sizes = {"sizes": [len(blob) for blob in blobs]} if blobs else {}
    body = json.dumps(frame | sizes, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)), body, *blobs


def read(descriptor: int) -> Frame | None:
    """Return the next frame, or None where the other side has closed the pipe.

    A blob that memory does not suffice for is None. Nothing is read ahead, so `select` on the descriptor tells whether
    there is a further frame.
    """
    head = _read_into(descriptor, bytearray(_LENGTH.size))
    body = _read_into(descriptor, bytearray(_LENGTH.unpack(head)[0])) if head else b""
    if not body:
        return None
    frame: Frame = json.loads(body)
    frame["blobs"] = [_read_blob(descriptor, size) for size in frame.pop("sizes", ())]
    return frame


def waiting(descriptor: int) -> bool:
    """Return whether there is something to read, or the other side has closed the pipe."""
    return bool(select.select([descriptor], [], [], 0)[0])


async def read_async(stream: asyncio.StreamReader) -> Frame | None:
    """Return the next frame of an asyncio stream, or None where the other side has closed the pipe."""
    try:
        head = await stream.readexactly(_LENGTH.size)
        body = await stream.readexactly(_LENGTH.unpack(head)[0])
        frame: Frame = json.loads(body)
        frame["blobs"] = [await stream.readexactly(size) for size in frame.pop("sizes", ())]
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return frame


def _read_blob(descriptor: int, size: int) -> bytes | None:
    try:
        data = bytearray(size)
    except MemoryError:
        while size > 0 and (skipped := os.read(descriptor, min(size, _DISCARDED_BYTES))):
            size -= len(skipped)
        return None
    try:
        return _read_into(descriptor, data)
    except MemoryError:
        return None


def _read_into(descriptor: int, data: bytearray) -> bytes:
    """Fill `data` from a pipe; empty where the pipe ends before."""
    rest = memoryview(data)
    while rest:
        taken = os.readv(descriptor, [rest])
        if not taken:
            return b""
        rest = rest[taken:]
    return bytes(data)
