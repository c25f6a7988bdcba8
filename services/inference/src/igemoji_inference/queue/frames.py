"""What the service and a worker process say to each other over a pipe: JSON objects, each after its length.

To a worker: `{"task_id", "photo_key", "pictures"}`. From it: `{"kind": "ready"}` once, then for each job any number of
`{"kind": "progress", …}` and one `{"kind": "done", …}` or `{"kind": "failed", "reason", "message"}`; or
`{"kind": "broken", "message"}` where it can never work.
"""

import asyncio
import json
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")


def encode(frame: dict[str, Any]) -> bytes:
    body = json.dumps(frame, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame, or None where the other side has closed the pipe."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    body = stream.read(_LENGTH.unpack(head)[0])
    frame: dict[str, Any] = json.loads(body)
    return frame


async def read_async(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """The same from an asyncio stream."""
    try:
        head = await stream.readexactly(_LENGTH.size)
        body = await stream.readexactly(_LENGTH.unpack(head)[0])
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    frame: dict[str, Any] = json.loads(body)
    return frame
