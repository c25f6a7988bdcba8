"""Results: what a worker returns, and files that appear whole or not at all."""

import asyncio
import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

NOT_SUPPORTED = (errno.EISDIR, errno.EOPNOTSUPP, errno.EINVAL)
"""Errors of file systems without unnamed files (open(2), O_TMPFILE)."""


@dataclass(frozen=True)
class Result:
    """A finished photo."""

    findings: dict[str, Any]
    """`{width, height, faces}`."""
    image: bytes


class ResultFile:
    """File without a name until it is complete, so that nothing is left of a command that is killed.

    Where the file system knows no such files, it has the name `temporary` until then.
    """

    def __init__(self, temporary: Path) -> None:
        """Create the file in the folder of `temporary`. Raises OSError."""
        self._temporary: Path | None = None
        try:
            self._descriptor = os.open(temporary.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                raise
            self._temporary = temporary
            self._descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o666)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    async def write(self, data: bytes) -> None:
        """Return when the bytes are on the disk, also when canceled. Raises OSError."""
        writing = asyncio.ensure_future(asyncio.to_thread(self._write, data))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                await writing  # the descriptor is in use until then
            raise

    def name(self, path: Path) -> None:
        """Give the file its name, instead of one that has it. Raises OSError."""
        if self._temporary is not None:
            os.replace(self._temporary, path)
            return
        path.unlink(missing_ok=True)
        proc = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
        try:
            # With a folder's descriptor Python calls linkat(2), which follows the link to the unnamed file.
            os.link(str(self._descriptor), path, src_dir_fd=proc, follow_symlinks=True)
        finally:
            os.close(proc)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)
