"""Errors of the photo commands. Cheap to import."""

import errno
from dataclasses import dataclass

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""With one of these, no further result can be written either."""


class CannotWork(Exception):
    """The arguments or the installation are at fault; the message is one sentence for the user."""


@dataclass(frozen=True)
class Failure:
    """Reason why a photo has no result."""

    reason: str
    """For programs, UPPER_SNAKE."""
    message: str
    """For people."""
