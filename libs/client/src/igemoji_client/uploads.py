"""Bodies that are sent in pieces, so that one can say how far they are."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from igemoji_client.models import Picture

CHUNK_BYTES = 64 * 1024

Progress = Callable[[int, int], None]
"""Is told how many bytes were handed to the connection, and how many there are."""


@dataclass(frozen=True)
class Upload:
    """A file, or the bytes of one. It can be sent again from the beginning."""

    source: Picture
    progress: Progress | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/octet-stream", "Content-Length": str(self.size)}

    @property
    def size(self) -> int:
        return os.stat(self.source).st_size if isinstance(self.source, Path) else len(self.source)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises OSError where the file can't be read."""
        size, sent = self.size, 0
        with self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source) as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
                sent += len(chunk)
                if self.progress is not None:
                    self.progress(sent, size)
