"""Commands of podman or docker, and waiting for a mesh in containers."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx


class Containers:
    """Runs podman or docker, which take the same arguments here."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return its output; if it fails, exit with it."""
        command = [self.command, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return (done.stdout + done.stderr if arguments[0] == "logs" else done.stdout).strip()

    def inspect(self, image: str) -> dict[str, Any]:
        """Return the description of an image."""
        found: dict[str, Any] = json.loads(self("image", "inspect", image))[0]
        return found

    def until_it_answers(self, url: str, names: Sequence[str], seconds: float) -> None:
        """Wait until the API and the page answer; otherwise print the containers' logs and exit."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if httpx.get(f"{url}/api/v1/emojis/pages/1").status_code == 200 and "<html" in httpx.get(url).text:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        for name in names:
            print(name, self("logs", name, check=False)[-1500:])
        sys.exit(f"no answer from {url}")
