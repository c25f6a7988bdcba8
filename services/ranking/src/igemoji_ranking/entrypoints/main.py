"""Entry point: run the service."""

from igemoji_mesh.server import run_service
from igemoji_ranking.entrypoints import settings, wiring


def main() -> None:
    """Run the service."""
    run_service(wiring.NAME, settings.Settings, wiring.compose)


if __name__ == "__main__":
    main()
