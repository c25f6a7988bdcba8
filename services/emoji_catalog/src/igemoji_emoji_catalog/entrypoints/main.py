"""Start the service, or with arguments run an operator's command."""

import sys

from igemoji_emoji_catalog.entrypoints.cli import operate
from igemoji_emoji_catalog.entrypoints.settings import Settings
from igemoji_emoji_catalog.entrypoints.wiring import compose
from igemoji_mesh.server import run_service


def main() -> None:
    """Run the service until SIGTERM, or run a command."""
    if sys.argv[1:]:
        operate(sys.argv[1:])
    else:
        run_service("emoji-catalog", Settings, compose)


if __name__ == "__main__":
    main()
