"""Memory of a sandbox process: how it is kept, and how decoders and runtimes say that there is none left."""

import ctypes

# mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

KEPT_BYTES = 128 << 20
"""Enough for the pixels of a photo of 12 megapixels three times over."""

CV2_NO_MEMORY = -4
"""`cv2.Error.STS_NO_MEM`."""

_NO_MEMORY = (
    "insufficient memory",  # libjpeg
    "allocating",
    "out of memory",  # Pillow's decoders
    "allocate memory",  # onnxruntime
    "bad_alloc",  # C++, handed on as text by onnxruntime
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of Python, Pillow, simplejpeg, OpenCV or onnxruntime means that memory ran out.

    Only OpenCV has a code for it; onnxruntime, libjpeg and Pillow's decoders say it in the message alone.
    """
    if isinstance(error, MemoryError):
        return True
    if type(error).__module__.partition(".")[0] == "cv2":
        return getattr(error, "code", None) == CV2_NO_MEMORY
    message = str(error).lower()
    return any(text in message for text in _NO_MEMORY)


def keep_freed_memory() -> None:
    """Keep up to KEPT_BYTES of freed memory for the next photo.

    glibc gives each large array back to the system as soon as it is freed and asks for it again with the next photo;
    on a virtual machine that hands free memory on to its host this doubles the time that a large photo takes to decode.
    Does nothing where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
