"""The command `igemoji up --backend real`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def igemoji(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "igemoji_stack.cli", *arguments]


def processes_of(data: Path) -> list[int]:
    """Return the other processes with a data folder in their command line or environment."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            known = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(data).encode() in known and state != "Z" and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def wait_for_end(data: Path) -> bool:
    until = time.monotonic() + 60
    while (left := processes_of(data)) and time.monotonic() < until:
        time.sleep(0.1)
    return not left


@contextlib.contextmanager
def up(data: Path, end: signal.Signals) -> Iterator[tuple[str, list[str]]]:
    """Run the command for a block and end it with a signal; yield its address and its output."""
    command = subprocess.Popen(
        igemoji("up", "--backend", "real", "--port", "0", "--data", str(data), "--workers", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert command.stdout is not None
        lines = []
        for line in command.stdout:
            lines.append(line)
            if "ready: http" in line:
                break
        assert "ready: http" in lines[-1], "".join(lines)
        yield lines[-1].rpartition("ready: ")[2].strip(), lines
    finally:
        command.send_signal(end)
        command.communicate()
    assert wait_for_end(data), processes_of(data)


def test_up_with_own_servers_keeps_data_after_a_kill(tmp_path):
    data = tmp_path / "data"
    account = {"email": "minji@example.org", "password": "a long enough one", "alias": "민지"}
    with up(data, signal.SIGKILL) as (url, lines):
        assert any("mariadb, rabbitmq, redis, s3" in line for line in lines)
        status = subprocess.run(igemoji("status", "--data", str(data)), capture_output=True, text=True)
        assert status.returncode == 0, status.stdout
        assert not list(data.glob("*.db"))
        assert httpx.post(f"{url}/api/v1/users", json=account).status_code == 201

    refused = subprocess.run(igemoji("up", "--data", str(data)), capture_output=True, text=True)
    assert refused.returncode == 1
    assert "is kept by --backend real" in refused.stderr

    with up(data, signal.SIGTERM) as (url, _):
        assert httpx.post(f"{url}/api/v1/users/auth", json=account).status_code == 200
        (emoji, *_) = httpx.get(f"{url}/api/v1/emojis/pages/1").json()["emojis"]
        picture = httpx.get(f"{url}/api/v1/emojis/{emoji['id']}/images/happy")
        assert picture.headers["content-type"] == "image/png"
