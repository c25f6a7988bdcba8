"""Entry point: run the service, or a command of the operator."""

import os
import sys

from igemoji_auth.entrypoints import cli, settings, wiring
from igemoji_mesh.server import run_service


def main() -> None:
    """Run the command in the arguments; without one, the service."""
    os.umask(0o077)  # the database file contains private keys and password hashes
    if sys.argv[1:]:
        cli.operate(sys.argv[1:])
    else:
        run_service(wiring.NAME, settings.Settings, wiring.compose)


if __name__ == "__main__":
    main()
