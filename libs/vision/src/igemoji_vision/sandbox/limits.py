"""Limits of a sandbox process, enforced by the kernel (docs/adr/0016); the table is in `PHOTO` and `PICTURE`."""

import ctypes
import math
import os
import resource
import time
from dataclasses import dataclass, replace

MIB = 1 << 20

PR_SET_NO_NEW_PRIVS = 38
"""prctl(2): neither this process nor one that it starts gains rights by exec."""


@dataclass(frozen=True)
class Limits:
    """Resources of one process. In any case it has no core file and gains no privileges."""

    memory_bytes: int
    """Private writable memory (RLIMIT_DATA) of the process: an allocation beyond it fails."""
    cpu_seconds: float
    """Processor time of one request (RLIMIT_CPU): SIGXCPU ends the process, whatever its parent does."""
    wall_seconds: float
    """Time of one request, measured by the parent, which then kills the process."""
    open_files: int = 64
    """Open files (RLIMIT_NOFILE)."""
    niceness: int = 0
    """Added to that of the parent."""


PHOTO = Limits(memory_bytes=1536 * MIB, cpu_seconds=20, wall_seconds=20)
"""40 megapixels take 800 MiB at most; 12 megapixels take less than a second."""

PICTURE = Limits(memory_bytes=256 * MIB, cpu_seconds=3, wall_seconds=5)
"""A picture of 4 megapixels takes 100 MiB and half a second at most."""


def photo_limits(memory_bytes: int, seconds: float, niceness: int = 0) -> Limits:
    """Return PHOTO with other numbers; `seconds` limits CPU time and wall-clock time."""
    return replace(PHOTO, memory_bytes=memory_bytes, cpu_seconds=seconds, wall_seconds=seconds, niceness=niceness)


def confine(niceness: int) -> None:
    """Limits that hold from the start of the process. A core file would hold a photo: there is none."""
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is not None and prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def limit_resources(limits: Limits) -> None:
    """Limit memory and open files: once all that every request needs is loaded."""
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_files = limits.open_files if hard == resource.RLIM_INFINITY else min(limits.open_files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))


def limit_cpu(seconds: float) -> None:
    """Limit processor time from now on; the kernel counts whole seconds of the whole process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), hard))
