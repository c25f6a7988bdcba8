"""Request bodies sent in chunks, so that progress can be reported."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from igemoji_client.models import Picture

CHUNK_BYTES = 64 * 1024

Progress = Callable[[int, int], None]
"""Called with the bytes written to the connection so far, and their total."""


@dataclass(frozen=True)
class Upload:
    """A file or its bytes; a retry sends it from the beginning."""

    source: Picture
    progress: Progress | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the body."""
        return {"Content-Type": "application/octet-stream", "Content-Length": str(self.size)}

    @property
    def size(self) -> int:
        """Return the size in bytes. Raises OSError."""
        return os.stat(self.source).st_size if isinstance(self.source, Path) else len(self.source)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the chunks. Raises OSError if the file can't be read."""
        size, sent = self.size, 0
        with self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source) as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
                sent += len(chunk)
                if self.progress is not None:
                    self.progress(sent, size)
