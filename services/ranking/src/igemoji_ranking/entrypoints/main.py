"""Entry point: run the service."""

from igemoji_mesh.server import run_service
from igemoji_ranking.entrypoints.settings import Settings
from igemoji_ranking.entrypoints.wiring import NAME, compose


def main() -> None:
    """Run the service."""
    run_service(NAME, Settings, compose)


if __name__ == "__main__":
    main()
