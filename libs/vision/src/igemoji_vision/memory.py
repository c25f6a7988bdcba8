"""How a worker process holds its memory."""

import ctypes

# mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

KEPT_BYTES = 128 << 20
"""Enough for the pixels of a photo of 12 megapixels three times over."""


def keep_freed_memory() -> None:
    """Has this process keep up to KEPT_BYTES of what it frees for the next photo.

    glibc gives each large array back to the system as soon as it is freed and asks for it anew with the next photo;
    on a virtual machine that hands free memory on to its host this doubles the time that a large photo takes to decode.
    Does nothing where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
