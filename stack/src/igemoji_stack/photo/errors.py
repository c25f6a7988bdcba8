"""Why nothing can be done. Cheap to import."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""With one of these no further result can be written either."""


class CannotWork(Exception):
    """A fault of the command line or of the setup, in one sentence for the person at the terminal."""
