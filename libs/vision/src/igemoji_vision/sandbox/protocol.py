"""What the service and a worker process say to each other over a pipe: JSON objects, each after its length.

Bytes follow the object that they belong to; a frame that was read has them as `blobs`.

To a worker: `{"kind": "job", "task_id", "expressions", "revised"}` with the photo and then a picture for each
expression as blobs (`revised` where faces are known and only to be covered anew), and `{"kind": "cancel", "task_id"}`.
From it: `{"kind": "ready"}` once, then for each job any number of `{"kind": "progress", …}` and one
`{"kind": "done", …}` with the finished photo as its blob, or `{"kind": "failed", "reason", "message"}`; or
`{"kind": "broken", "message"}` where it can never work.
"""

import asyncio
import json
import os
import select
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct(">I")


def encode(frame: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    sizes = {"sizes": [len(blob) for blob in blobs]} if blobs else {}
    body = json.dumps(frame | sizes, separators=(",", ":")).encode()
    return b"".join((_LENGTH.pack(len(body)), body, *blobs))


def read(descriptor: int) -> dict[str, Any] | None:
    """The next frame, or None where the other side has closed the pipe.

    Nothing is read ahead, so `select` on the descriptor tells whether there is a further one.
    """
    head = _read_exactly(descriptor, _LENGTH.size)
    body = _read_exactly(descriptor, _LENGTH.unpack(head)[0]) if head else b""
    if not body:
        return None
    frame: dict[str, Any] = json.loads(body)
    frame["blobs"] = [_read_exactly(descriptor, size) for size in frame.pop("sizes", ())]
    return frame


def waiting(descriptor: int) -> bool:
    """Whether there is something to read, or the other side has closed the pipe."""
    return bool(select.select([descriptor], [], [], 0)[0])


def _read_exactly(descriptor: int, count: int) -> bytes:
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        taken = os.readv(descriptor, [rest])
        if not taken:
            return b""
        rest = rest[taken:]
    return bytes(data)


async def read_async(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """The same from an asyncio stream."""
    try:
        head = await stream.readexactly(_LENGTH.size)
        body = await stream.readexactly(_LENGTH.unpack(head)[0])
        frame: dict[str, Any] = json.loads(body)
        frame["blobs"] = [await stream.readexactly(size) for size in frame.pop("sizes", ())]
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return frame
