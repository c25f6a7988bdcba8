"""Entrypoint of the inference service."""

from igemoji_inference.entrypoints import settings, wiring
from igemoji_mesh.server import run_service


def main() -> None:
    """Serve until SIGTERM."""
    run_service(settings.SERVICE, settings.Settings, wiring.compose)


if __name__ == "__main__":
    main()
