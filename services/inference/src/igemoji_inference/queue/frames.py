"""What the service and a worker process say to each other over a pipe: JSON objects, each after its length.

To a worker: `{"kind": "job", "task_id", "photo_key", "pictures", "result_key", "revised"}` (the last where faces are
known and only to be covered anew) and `{"kind": "cancel", "task_id"}`. From it:
`{"kind": "ready"}` once, then for each job any number of `{"kind": "progress", …}` and one `{"kind": "done", …}` or
`{"kind": "failed", "reason", "message"}`; or `{"kind": "broken", "message"}` where it can never work.
"""

import asyncio
import json
import os
import select
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def encode(frame: dict[str, Any]) -> bytes:
    body = json.dumps(frame, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def read(descriptor: int) -> dict[str, Any] | None:
    """The next frame, or None where the other side has closed the pipe.

    Nothing is read ahead, so `select` on the descriptor tells whether there is a further one.
    """
    head = _read_exactly(descriptor, _LENGTH.size)
    body = _read_exactly(descriptor, _LENGTH.unpack(head)[0]) if head else b""
    if not body:
        return None
    frame: dict[str, Any] = json.loads(body)
    return frame


def waiting(descriptor: int) -> bool:
    """Whether there is something to read, or the other side has closed the pipe."""
    return bool(select.select([descriptor], [], [], 0)[0])


def _read_exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = os.read(descriptor, count - len(data))
        if not chunk:
            return b""
        data += chunk
    return data


async def read_async(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """The same from an asyncio stream."""
    try:
        head = await stream.readexactly(_LENGTH.size)
        body = await stream.readexactly(_LENGTH.unpack(head)[0])
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    frame: dict[str, Any] = json.loads(body)
    return frame
