"""Entrypoint of the inference service."""

from igemoji_inference.entrypoints.settings import SERVICE, Settings
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.server import run_service


def main() -> None:
    """Serve until SIGTERM."""
    run_service(SERVICE, Settings, compose)


if __name__ == "__main__":
    main()
