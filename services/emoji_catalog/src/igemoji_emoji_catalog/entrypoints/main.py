"""Start the service, or with arguments run an operator's command."""

import sys

from igemoji_emoji_catalog.entrypoints import cli, settings, wiring
from igemoji_mesh.server import run_service


def main() -> None:
    """Run the service until SIGTERM, or run a command."""
    if sys.argv[1:]:
        cli.operate(sys.argv[1:])
    else:
        run_service("emoji-catalog", settings.Settings, wiring.compose)


if __name__ == "__main__":
    main()
